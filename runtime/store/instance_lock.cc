#include "runtime/store/instance_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <optional>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/random_id.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::UniqueFd;

constexpr const char* kInstances = "instances";
constexpr const char* kGate = ".lock";  // in instances/
constexpr const char* kLock = "lock";   // in the directory instances/<id>/ of an earlier version
constexpr const char* kNote = "note";
constexpr std::size_t kIdChars = 12;
constexpr std::size_t kMaxNote = std::size_t{1} << 20U;

/// A directory, and its path for messages.
struct LockDir {
  int fd;
  std::string path;
};

LockDir instances_of(const Home& home, const UniqueFd& fd) {
  return {fd.get(), home.path() + "/" + kInstances};
}

/// nullopt when another process holds it and `operation` has LOCK_NB.
Result<std::optional<UniqueFd>> lock_file(const LockDir& place, const std::string& name,
                                          int operation, int flags = 0) {
  constexpr int kFlags = O_RDWR | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC;
  UniqueFd fd(::openat(place.fd, name.c_str(), kFlags | flags, 0600));
  if (!fd) return base::errno_error("open the lock file \"" + place.path + "/" + name + "\"");
  while (::flock(fd.get(), operation) != 0) {
    if (errno == EWOULDBLOCK) return std::optional<UniqueFd>();
    if (errno != EINTR) return base::errno_error("lock \"" + place.path + "/" + name + "\"");
  }
  return std::optional(std::move(fd));
}

/// Held while instances are made, looked for or removed, so that none is seen half-made and no lock
/// is taken on a file that is just going.
Result<UniqueFd> enter_gate(const LockDir& instances) {
  auto gate = TRY(lock_file(instances, kGate, LOCK_EX));
  return std::move(*gate);
}

// What no process of ours writes must not keep anybody from what was written before it.
Result<std::string> read_beginning(int fd) {
  std::string text(kMaxNote, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t count =
        ::pread(fd, text.data() + size, text.size() - size, static_cast<off_t>(size));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error("read an instance's note");
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return text;
}

Result<UniqueFd> open_dir(int dir_fd, const std::string& name) {
  UniqueFd fd(::openat(dir_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return base::errno_error("open the instance \"" + name + "\"");
  return fd;
}

}  // namespace

Result<InstanceLock> InstanceLock::create(const Home& home) {
  UniqueFd instances = TRY(home.subdirectory(kInstances));
  std::string id = TRY(base::random_hex(kIdChars));
  const LockDir place = instances_of(home, instances);
  const UniqueFd gate = TRY(enter_gate(place));
  auto lock = TRY(lock_file(place, id, LOCK_EX | LOCK_NB, O_EXCL));
  if (!lock) return base::system_error("lock the new instance \"" + id + "\"", EWOULDBLOCK);
  return InstanceLock(std::move(instances), place.path, std::move(id), UniqueFd(),
                      std::move(*lock));
}

Result<std::vector<InstanceLock>> InstanceLock::dead(const Home& home) {
  const UniqueFd instances = TRY(home.subdirectory(kInstances));
  const LockDir place = instances_of(home, instances);
  const UniqueFd gate = TRY(enter_gate(place));
  std::vector<InstanceLock> found;
  auto ids = TRY(base::list_dir(instances.get()));
  for (std::string& id : ids) {
    // Nobody else puts files there; if somebody does, they are not ours to remove.
    if (!base::is_random_hex(id, kIdChars)) continue;
    const struct stat status = TRY(base::stat_at(instances.get(), id));
    if (!S_ISDIR(status.st_mode) && !S_ISREG(status.st_mode)) continue;
    UniqueFd dir;
    if (S_ISDIR(status.st_mode)) dir = TRY(open_dir(instances.get(), id));
    auto lock = TRY(dir ? lock_file({dir.get(), place.path + "/" + id}, kLock, LOCK_EX | LOCK_NB)
                        : lock_file(place, id, LOCK_EX | LOCK_NB));
    if (!lock) continue;  // its owner lives
    UniqueFd parent = TRY(base::duplicate(instances.get()));
    found.push_back(InstanceLock(std::move(parent), place.path, std::move(id), std::move(dir),
                                 std::move(*lock)));
  }
  return found;
}

Result<bool> InstanceLock::exists(const Home& home, const std::string& id) {
  const UniqueFd instances = TRY(home.subdirectory(kInstances));
  if (::faccessat(instances.get(), id.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) return true;
  if (errno == ENOENT) return false;
  return base::errno_error("look for the instance \"" + id + "\"");
}

Result<std::optional<std::string>> InstanceLock::living_note(const Home& home,
                                                             const std::string& id) {
  const UniqueFd instances = TRY(home.subdirectory(kInstances));
  const UniqueFd gate = TRY(enter_gate(instances_of(home, instances)));
  const UniqueFd file(::openat(instances.get(), id.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!file && errno == ENOENT) return std::optional<std::string>();
  if (!file) return base::errno_error("open the instance \"" + id + "\"");
  const bool lives = ::flock(file.get(), LOCK_SH | LOCK_NB) != 0;
  if (!lives) return std::optional<std::string>();
  std::string note = TRY(read_beginning(file.get()));
  return std::optional(std::move(note));
}

Result<void> InstanceLock::add_to_note(const std::string& text) const {
  const std::lock_guard guard(*using_);
  return base::write_all(lock_.get(), text);
}

Result<std::string> InstanceLock::read_note() const {
  if (!dir_) {
    const std::lock_guard guard(*using_);
    return read_beginning(lock_.get());
  }
  const UniqueFd note(::openat(dir_.get(), kNote, O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!note && errno == ENOENT) return std::string();
  if (!note) return base::errno_error("open an instance's note");
  return read_beginning(note.get());
}

Result<void> InstanceLock::remove() {
  const UniqueFd gate = TRY(enter_gate({instances_.get(), path_}));
  if (dir_) {
    TRY(base::remove_tree_at(instances_.get(), id_));
  } else if (::unlinkat(instances_.get(), id_.c_str(), 0) != 0 && errno != ENOENT) {
    return base::errno_error("remove the instance \"" + id_ + "\"");
  }
  lock_.reset();
  return {};
}

}  // namespace stagebox::store
