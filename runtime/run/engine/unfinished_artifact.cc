#include "runtime/run/engine/unfinished_artifact.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/base/random_id.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;

FileId id_of(const struct stat& status) { return {status.st_dev, status.st_ino}; }

bool is_gone(int error) { return error == ENOENT || error == ENOTDIR || error == ELOOP; }

// The directory that it was; none when that is elsewhere.
Result<UniqueFd> open_directory(const UnfinishedArtifact& artifact) {
  const UniqueFd root = TRY(base::open_path("/", O_PATH | O_DIRECTORY));
  const std::string beneath = "." + artifact.directory;
  auto dir = base::open_beneath(root.get(), beneath, O_PATH | O_DIRECTORY, base::Links::kRefuse);
  if (!dir.ok() && is_gone(dir.error().errno_value)) return UniqueFd();
  if (!dir.ok()) return dir.error();
  const struct stat status = TRY(base::stat_fd(dir->get()));
  return id_of(status) == artifact.directory_id ? std::move(*dir) : UniqueFd();
}

// Its inode is not known, but nobody had the time to write anything into it.
Result<void> remove_empty(int dir_fd, const std::string& name, const struct stat& status) {
  if (status.st_uid != ::geteuid()) return {};
  const bool empty_file = S_ISREG(status.st_mode) && status.st_size == 0 && status.st_nlink == 1;
  if (!S_ISDIR(status.st_mode) && !empty_file) return {};
  if (::unlinkat(dir_fd, name.c_str(), S_ISDIR(status.st_mode) ? AT_REMOVEDIR : 0) == 0) return {};
  if (errno == ENOTEMPTY || errno == EEXIST || errno == ENOENT) return {};
  return base::errno_error("remove it");
}

}  // namespace

Result<NotedArtifact> NotedArtifact::note(const store::Home& home, int dir_fd) {
  UnfinishedArtifact artifact;
  artifact.name = unfinished_name(TRY(base::random_hex(kUnfinishedHexChars)));
  artifact.directory = TRY(base::path_of(dir_fd));
  artifact.directory_id = id_of(TRY(base::stat_fd(dir_fd)));
  store::InstanceLock instance = TRY(store::InstanceLock::create(home));
  TRY(instance.add_to_note(encode_artifact(artifact)));
  return NotedArtifact(dir_fd, std::move(artifact.name), std::move(instance));
}

Result<UniqueFd> NotedArtifact::make_file(unsigned mode) const {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd file(::openat(dir_fd_, name_.c_str(), kFlags, mode));
  if (!file) return base::errno_error("create a file there");
  TRY(made(file.get()));
  return file;
}

Result<void> NotedArtifact::made(int fd) const {
  return instance_.add_to_note(encode_made(name_, id_of(TRY(base::stat_fd(fd)))));
}

Result<void> NotedArtifact::forget() {
  TRY(base::remove_tree_at(dir_fd_, name_));
  return instance_.remove();
}

Result<void> replace_noted_file(const store::Home& home, int dir_fd, const std::string& name,
                                std::string_view content, unsigned mode) {
  NotedArtifact noted = TRY(NotedArtifact::note(home, dir_fd));
  const auto make = [&]() -> Result<void> {
    const UniqueFd file = TRY(noted.make_file(mode));
    TRY(base::write_all(file.get(), content));
    if (::fsync(file.get()) != 0) return base::errno_error("sync it");
    if (::renameat(dir_fd, noted.name().c_str(), dir_fd, name.c_str()) != 0)
      return base::errno_error("give it its name");
    if (::fsync(dir_fd) != 0) return base::errno_error("sync its directory");
    return {};
  };
  Result<void> made = make();
  auto forgotten = noted.forget();
  return made.ok() ? std::move(forgotten) : std::move(made);
}

Result<void> remove_unfinished(const UnfinishedArtifact& artifact) {
  const auto remove = [&]() -> Result<void> {
    const UniqueFd dir = TRY(open_directory(artifact));
    if (!dir) return {};
    struct stat status{};
    if (::fstatat(dir.get(), artifact.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
      return is_gone(errno) ? Result<void>() : base::errno_error("look at it");
    if (!artifact.id) return remove_empty(dir.get(), artifact.name, status);
    if (id_of(status) != *artifact.id) return {};
    return base::remove_tree_at(dir.get(), artifact.name);
  };
  auto removed = remove();
  if (removed.ok()) return removed;
  return removed.error().with_context("remove the unfinished " + base::printable(artifact.name) +
                                      " in " + base::printable(artifact.directory));
}

}  // namespace stagebox::run
