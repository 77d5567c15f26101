#include "runtime/store/content/room_reserve.h"

#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdint>

#include "runtime/base/unique_fd.h"

namespace stagebox::store {
namespace {

constexpr const char* kReserve = "reserve";
/// SQLite's log has a thousand pages of 4 KiB before it is written back, and a large transaction
/// more.
constexpr off_t kReserveBytes = off_t{8} << 20;
constexpr off_t kLeastBytes = off_t{1} << 20;
constexpr std::uint64_t kPlenty = std::uint64_t{3} * kReserveBytes;

bool has_plenty(int home_fd) {
  struct statvfs status{};
  if (::fstatvfs(home_fd, &status) != 0) return false;
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize >= kPlenty;
}

// Half as much is better than none.
bool fill(int fd) {
  for (off_t bytes = kReserveBytes; bytes >= kLeastBytes; bytes /= 2) {
    if (::posix_fallocate(fd, 0, bytes) == 0) return true;
    if (::ftruncate(fd, 0) != 0) return false;
  }
  return false;
}

}  // namespace

void make_reserve(int home_fd, Room room) {
  if (::faccessat(home_fd, kReserve, F_OK, AT_SYMLINK_NOFOLLOW) == 0) return;
  if (room == Room::kPlenty && !has_plenty(home_fd)) return;
  // The name is there first, so that of several processes one makes it. Who dies meanwhile leaves a
  // smaller one, which the next gc replaces.
  const base::UniqueFd file(
      ::openat(home_fd, kReserve, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (file && !fill(file.get())) (void)::unlinkat(home_fd, kReserve, 0);
}

void release_reserve(int home_fd) { (void)::unlinkat(home_fd, kReserve, 0); }

}  // namespace stagebox::store
