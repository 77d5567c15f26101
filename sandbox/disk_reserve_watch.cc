#include "sandbox/disk_reserve_watch.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <limits>

namespace stagebox::sandbox {
namespace {

using std::chrono::milliseconds;

constexpr DiskSpace kReserve{std::uint64_t{1} << 30, 10'000};
// More than can be written, and more files than can be made, in a millisecond.
constexpr std::uint64_t kBytesPerMs = std::uint64_t{8} << 20;
constexpr std::uint64_t kInodesPerMs = 500;

DiskSpace free_space(int dir_fd) {
  struct statvfs status{};
  constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();
  if (::fstatvfs(dir_fd, &status) != 0) return {kUnknown, kUnknown};
  // btrfs and others have no fixed number of inodes and say 0.
  return {status.f_bavail * status.f_frsize, status.f_files == 0 ? kUnknown : status.f_favail};
}

}  // namespace

DiskSpace disk_reserve(const DiskSpace& free) {
  return {std::min(kReserve.bytes, free.bytes / 4), std::min(kReserve.inodes, free.inodes / 4)};
}

Watch::Answer look_at_reserve(const DiskSpace& free, const DiskSpace& reserve) {
  if (free.bytes < reserve.bytes || free.inodes < reserve.inodes)
    return {LimitHit{LimitHit::Which::kHostDisk, reserve.bytes}, {}};
  const std::uint64_t until_full = std::min((free.bytes - reserve.bytes) / kBytesPerMs,
                                            (free.inodes - reserve.inodes) / kInodesPerMs);
  // A look costs a microsecond; others write to the disk as well, hence at least once a second.
  return {std::nullopt, milliseconds(std::clamp<std::uint64_t>(until_full, 10, 1000))};
}

base::Result<Watch> watch_disk_reserve(int dir_fd) {
  struct statvfs status{};
  if (::fstatvfs(dir_fd, &status) != 0)
    return base::errno_error("ask for the free space of the state directory");
  const DiskSpace reserve = disk_reserve(free_space(dir_fd));
  return Watch{[dir_fd, reserve] { return look_at_reserve(free_space(dir_fd), reserve); }};
}

}  // namespace stagebox::sandbox
