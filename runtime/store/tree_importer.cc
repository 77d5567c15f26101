#include "runtime/store/tree_importer.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <optional>
#include <utility>

#include "runtime/base/dir_reader.h"
#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/base/units.h"

namespace stagebox::store {
namespace {

using base::Error;
using base::Result;
using base::UniqueFd;

constexpr int kOpenDir = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;

const char* type_name(mode_t mode) {
  if (S_ISFIFO(mode)) return "a fifo";
  if (S_ISSOCK(mode)) return "a socket";
  if (S_ISBLK(mode)) return "a block device";
  return S_ISCHR(mode) ? "a character device" : "of an unknown type";
}

bool same_file(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_mode == b.st_mode && a.st_mtim.tv_sec == b.st_mtim.tv_sec &&
         a.st_mtim.tv_nsec == b.st_mtim.tv_nsec && a.st_ctim.tv_sec == b.st_ctim.tv_sec &&
         a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

Executable executable_of(const struct stat& status) {
  return (status.st_mode & S_IXUSR) != 0 ? Executable::kYes : Executable::kNo;
}

/// Unreadable is the user's to mend, and says so.
Error read_error(const std::string& shown, int errno_value) {
  if (errno_value != EACCES && errno_value != EPERM) {
    return base::system_error("read " + shown, errno_value);
  }
  return base::invalid("cannot read " + shown + ": " + base::errno_text(errno_value) +
                       "; make it readable or exclude it");
}

}  // namespace

std::string TreeImporter::shown() const { return base::printable(path_.empty() ? "." : path_); }

Result<TreeRef> TreeImporter::run(int dir_fd) {
  UniqueFd root(::openat(dir_fd, ".", kOpenDir));
  if (!root) return read_error("the directory", errno);
  TRY(enter(std::move(root)));
  while (!frames_.empty()) {
    Frame& frame = frames_.back();
    path_.resize(frame.path_length);
    if (frame.next == frame.names.size()) {
      TRY(leave());
    } else {
      const std::string name = std::move(frame.names[frame.next++]);
      TRY(visit(name));
    }
  }
  return result_;
}

Result<void> TreeImporter::enter(UniqueFd dir) {
  const std::uint64_t left = options_.max_entries - entries_;
  auto names = base::list_dir_up_to(dir.get(), static_cast<std::size_t>(left) + 1);
  if (!names.ok()) return names.error().with_context("read " + shown());
  if (names->size() > left) {
    return base::invalid("the tree has more than " + std::to_string(options_.max_entries) +
                         " entries, which is its limit; reached in " + shown());
  }
  entries_ += names->size();
  TRY(dirs_.push(std::move(dir)));
  frames_.push_back({std::move(*names), 0, path_.size(), {}});
  return {};
}

Result<void> TreeImporter::leave() {
  const std::string message = frames_.back().listing.encode();
  const BlobRef blob = TRY(batch_.add_bytes(message, Executable::kNo));
  frames_.pop_back();
  TRY(dirs_.pop());
  if (frames_.empty()) {
    result_.root = blob.digest;
    result_.size = blob.size;
    return {};
  }
  const std::size_t slash = path_.rfind('/');
  const std::string name = slash == std::string::npos ? path_ : path_.substr(slash + 1);
  frames_.back().listing.directories.push_back({name, blob.digest, blob.size});
  return {};
}

Result<void> TreeImporter::visit(const std::string& name) {
  if (!path_.empty()) path_ += '/';
  path_ += name;
  struct stat status{};
  if (::fstatat(dirs_.top(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) return {};  // gone since the listing, as if it had never been there
    return read_error(shown(), errno);
  }
  const bool directory = S_ISDIR(status.st_mode);
  if (options_.exclude.matches(path_, directory ? EntryType::kDirectory : EntryType::kOther)) {
    return {};
  }
  auto named = check_entry_name(name);
  if (!named.ok()) return named.error().with_context("store " + shown());
  if (directory) return visit_directory(name);
  if (S_ISREG(status.st_mode)) return visit_file(name, status);
  if (S_ISLNK(status.st_mode)) return visit_symlink(name);
  return base::invalid(shown() + " is " + type_name(status.st_mode) +
                       "; only files, directories and symbolic links can be stored; remove or "
                       "exclude it");
}

Result<void> TreeImporter::visit_directory(const std::string& name) {
  if (dirs_.depth() > options_.max_depth) {
    return base::invalid("the tree is deeper than " + std::to_string(options_.max_depth) +
                         " directories, which is its limit");
  }
  UniqueFd dir(::openat(dirs_.top(), name.c_str(), kOpenDir));
  if (!dir && errno == ENOENT) return {};
  if (!dir) return read_error(shown(), errno);
  return enter(std::move(dir));
}

Error TreeImporter::too_large() const {
  return base::invalid("the tree is larger than its limit of " +
                       base::format_bytes(options_.max_bytes) + "; reached at " + shown());
}

Result<void> TreeImporter::count_bytes(std::uint64_t bytes) {
  if (bytes > options_.max_bytes - result_.bytes) return too_large();
  result_.bytes += bytes;
  return {};
}

Result<void> TreeImporter::add(const std::string& name, const BlobRef& blob,
                               Executable executable) {
  TRY(count_bytes(blob.size));
  ++result_.files;
  frames_.back().listing.files.push_back({name, blob.digest, blob.size, executable});
  return {};
}

Result<void> TreeImporter::visit_file(const std::string& name, const struct stat& status) {
  const auto known = cache_ != nullptr ? cache_->find(path_, status) : std::nullopt;
  if (known) {
    const bool stored = TRY(batch_.has(*known, executable_of(status)));
    const auto size = static_cast<std::uint64_t>(status.st_size);
    if (stored) return add(name, {*known, size}, executable_of(status));
  }
  const UniqueFd fd(::openat(dirs_.top(), name.c_str(),
                             O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (!fd && errno == ENOENT) return {};
  if (!fd) return read_error(shown(), errno);
  // The name may stand for something else by now; what counts is what was opened.
  const struct stat opened = TRY(base::stat_fd(fd.get()));
  if (!S_ISREG(opened.st_mode)) {
    return base::invalid(shown() + " was replaced while it was being read; try again");
  }
  return read_file(name, fd.get(), opened);
}

Result<void> TreeImporter::read_file(const std::string& name, int fd, const struct stat& opened) {
  // A file that is too large is refused before it is copied; one that grows meanwhile, by add_file.
  const std::uint64_t left = options_.max_bytes - result_.bytes;
  if (static_cast<std::uint64_t>(opened.st_size) > left) return too_large();
  auto blob = batch_.add_file(fd, executable_of(opened), left);
  if (!blob.ok()) return blob.error().with_context("store " + shown());
  TRY(add(name, *blob, executable_of(opened)));
  const struct stat after = TRY(base::stat_fd(fd));
  if (cache_ != nullptr && same_file(opened, after)) cache_->note(path_, opened, blob->digest);
  return {};
}

Result<void> TreeImporter::visit_symlink(const std::string& name) {
  // Not st_size: it is only a hint (0 on some file systems), and the link may change.
  std::string target(PATH_MAX, '\0');
  const ssize_t length = ::readlinkat(dirs_.top(), name.c_str(), target.data(), target.size());
  if (length < 0 && errno == ENOENT) return {};
  if (length < 0) return read_error(shown(), errno);
  target.resize(static_cast<std::size_t>(length));
  if (!base::is_utf8(target)) {
    return base::invalid("the target of the link " + shown() + ", " + base::printable(target) +
                         ", is not UTF-8, which stored trees (Remote Execution API) require");
  }
  frames_.back().listing.symlinks.push_back({name, std::move(target)});
  return {};
}

}  // namespace stagebox::store
