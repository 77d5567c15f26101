#include "runtime/store/content/file_intake.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/base/units.h"
#include "runtime/store/content/copy_bounds.h"

namespace stagebox::store {
namespace {

using base::Error;
using base::Result;

constexpr int kOpenFlags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mode == b.st_mode && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
         a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

}  // namespace

Error read_error(const std::string& shown, int errno_value) {
  if (errno_value != EACCES && errno_value != EPERM) {
    return base::system_error("read " + shown, errno_value);
  }
  return base::invalid("cannot read " + shown + ": " + base::errno_text(errno_value) +
                       "; make it readable or exclude it");
}

Error too_large(const TreeOptions& options, const std::string& path) {
  return base::invalid("the tree is larger than its limit of " +
                       base::format_bytes(options.max_bytes) + "; reached at " +
                       base::printable(path));
}

Result<void> FileIntake::count(std::uint64_t bytes, const WalkedFile& file) {
  const std::uint64_t before = bytes_.fetch_add(bytes);
  if (bytes > options_.max_bytes || before > options_.max_bytes - bytes)
    return too_large(options_, file.path);
  return {};
}

Result<void> FileIntake::take(int dir_fd, const std::string& path, WalkedFile& file,
                              SourceFiles source_files) {
  TRY(check_not_stopped(options_.stop));
  if (file.digest) {
    const bool stored = TRY(batch_.has(*file.digest, executable_of(file.mode)));
    if (stored) {
      file.resolved = true;
      return count(file.size, file);
    }
  }
  FilePlace place{dir_fd, path};
  if (source_files == SourceFiles::kTaken) place = TRY(directory_.place_of(dir_fd, path));
  auto opened = base::open_beneath(place.dir_fd, place.name, kOpenFlags, base::Links::kRefuse);
  if (opened.ok()) return read(place, opened->get(), file, source_files);
  const int error = opened.error().errno_value;
  // Gone since it was listed, as if it had never been there.
  file.gone = error == ENOENT || error == ENOTDIR;
  if (file.gone) return {};
  if (error != ELOOP) return read_error(base::printable(file.path), error);
  return base::invalid(base::printable(file.path) +
                       " was replaced while it was being read; try again");
}

Result<void> FileIntake::read(const FilePlace& place, int fd, WalkedFile& file,
                              SourceFiles source_files) {
  // The name may stand for something else by now; what counts is what was opened.
  const struct stat before = TRY(base::stat_fd(fd));
  if (!S_ISREG(before.st_mode)) {
    return base::invalid(base::printable(file.path) +
                         " was replaced while it was being read; try again");
  }
  // A file that is too large is refused before it is copied; one that grows meanwhile, by add_file.
  const std::uint64_t left = options_.max_bytes - std::min(options_.max_bytes, bytes_.load());
  if (static_cast<std::uint64_t>(before.st_size) > left) return too_large(options_, file.path);
  const Executable executable = executable_of(before.st_mode);
  const auto blob = source_files == SourceFiles::kTaken
                        ? batch_.take_file({place, fd, before}, executable, left)
                        : batch_.add_file(fd, executable, left);
  if (!blob.ok()) return blob.error().with_context("store " + base::printable(file.path));
  TRY(count(blob->size, file));
  file.digest = blob->digest;
  file.size = blob->size;
  file.mode = before.st_mode;
  file.resolved = true;
  if (source_files == SourceFiles::kTaken) return {};
  const struct stat after = TRY(base::stat_fd(fd));
  if (same_file(before, after)) file.fresh = std::make_unique<struct stat>(before);
  return {};
}

}  // namespace stagebox::store
