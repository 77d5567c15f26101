#include "sandbox/disk_reserve_watch.h"

#include <sys/statvfs.h>

#include <algorithm>
#include <limits>
#include <memory>

namespace stagebox::sandbox {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr DiskSpace kReserve{std::uint64_t{1} << 30, 10'000};
// More than can be written, and more files than can be made, in a millisecond.
constexpr std::uint64_t kBytesPerMs = std::uint64_t{8} << 20;
constexpr std::uint64_t kInodesPerMs = 500;
constexpr std::uint64_t kUnknown = std::numeric_limits<std::uint64_t>::max();
constexpr std::uint64_t kNotablePart = 16;
// To kill somebody and to remove what he wrote takes time.
constexpr milliseconds kLookWhileShort(250);
// Counting what a sandbox holds takes at most this part of the time.
constexpr int kCountingPart = 20;
constexpr unsigned kPatience = 8;
constexpr std::uint64_t kFullPart = 8;

std::optional<DiskSpace> ask_for_space(int dir_fd) {
  struct statvfs status{};
  if (::fstatvfs(dir_fd, &status) != 0) return std::nullopt;
  // btrfs and others have no fixed number of inodes and say 0.
  return DiskSpace{status.f_bavail * status.f_frsize,
                   status.f_files == 0 ? kUnknown : status.f_favail};
}

std::uint64_t less(std::uint64_t from, std::uint64_t by) { return from > by ? from - by : 0; }

// Whoever holds less of the file system of `dir_fd` is not why it is full: the disk's size decides,
// and not how much of it is free, which is next to nothing when that is asked.
std::optional<DiskSpace> least_part(int dir_fd) {
  struct statvfs status{};
  if (::fstatvfs(dir_fd, &status) != 0) return std::nullopt;
  const DiskSpace reserve = disk_reserve(
      {status.f_blocks * status.f_frsize, status.f_files == 0 ? kUnknown : status.f_files});
  // A part of a tiny one is nothing: one that has nothing has no part.
  return DiskSpace{std::max(reserve.bytes / kNotablePart, std::uint64_t{1}),
                   std::max(reserve.inodes / kNotablePart, std::uint64_t{1})};
}

class DiskReserve {
 public:
  DiskReserve(int dir_fd, const DiskSpace& start)
      : dir_fd_(dir_fd), start_(start), reserve_(disk_reserve(start)) {}

  Watch::Answer look() {
    const DiskSpace free = ask_for_space(dir_fd_).value_or(DiskSpace{kUnknown, kUnknown});
    if (const auto again = until_reserve(free, reserve_)) {
      looks_ = 0;
      return {std::nullopt, *again};
    }
    const Clock::time_point before = Clock::now();
    if (holds_notable_share(free)) return {hit(LimitHit::Which::kHostDisk), {}};
    if (looks_ >= kPatience && is_full(free)) return {hit(LimitHit::Which::kHostDiskFull), {}};
    // Somebody is being cleaned up after.
    const bool improves = free.bytes > last_.bytes || free.inodes > last_.inodes;
    if (looks_ == 0 || !improves) ++looks_;
    last_ = free;
    const auto counting = std::chrono::ceil<milliseconds>(Clock::now() - before);
    return {std::nullopt, std::max(kLookWhileShort, counting * kCountingPart)};
  }

 private:
  // Of what there is enough of, anybody may have as much as they like.
  [[nodiscard]] bool holds_notable_share(const DiskSpace& free) const {
    const auto least = least_part(dir_fd_);
    if (!least) return false;
    const DiskSpace taken{less(start_.bytes, free.bytes), less(start_.inodes, free.inodes)};
    DiskSpace notable = notable_share(taken, *least, looks_);
    if (free.bytes >= reserve_.bytes) notable.bytes = kUnknown;
    if (free.inodes >= reserve_.inodes) notable.inodes = kUnknown;
    const DiskSpace held = held_below(dir_fd_, notable);
    return held.bytes >= notable.bytes || held.inodes >= notable.inodes;
  }

  [[nodiscard]] bool is_full(const DiskSpace& free) const {
    return free.bytes < reserve_.bytes / kFullPart || free.inodes < reserve_.inodes / kFullPart;
  }

  [[nodiscard]] LimitHit hit(LimitHit::Which which) const { return {which, reserve_.bytes}; }

  int dir_fd_;
  DiskSpace start_;
  DiskSpace reserve_;
  DiskSpace last_;      ///< What was free at the last look while the reserve was touched.
  unsigned looks_ = 0;  ///< How many of these were in vain.
};

}  // namespace

DiskSpace disk_reserve(const DiskSpace& free) {
  return {std::min(kReserve.bytes, free.bytes / 4), std::min(kReserve.inodes, free.inodes / 4)};
}

std::optional<milliseconds> until_reserve(const DiskSpace& free, const DiskSpace& reserve) {
  if (free.bytes < reserve.bytes || free.inodes < reserve.inodes) return std::nullopt;
  const std::uint64_t until_full = std::min((free.bytes - reserve.bytes) / kBytesPerMs,
                                            (free.inodes - reserve.inodes) / kInodesPerMs);
  // A look costs a microsecond; others write to the disk as well, hence at least once a second.
  return milliseconds(std::clamp<std::uint64_t>(until_full, 10, 1000));
}

DiskSpace notable_share(const DiskSpace& taken, const DiskSpace& least, unsigned looks) {
  const unsigned halvings = std::min(looks + 1, 63U);
  return {std::max(taken.bytes >> halvings, least.bytes),
          std::max(taken.inodes >> halvings, least.inodes)};
}

base::Result<Watch> watch_disk_reserve(int dir_fd) {
  const auto start = ask_for_space(dir_fd);
  if (!start) return base::errno_error("ask for the free space of the state directory");
  return Watch{
      [watched = std::make_shared<DiskReserve>(dir_fd, *start)] { return watched->look(); }};
}

bool holds_next_to_nothing(int dir_fd) {
  const auto little = least_part(dir_fd);
  if (!little) return false;
  const DiskSpace held = held_below(dir_fd, *little);
  return held.bytes < little->bytes && held.inodes < little->inodes;
}

}  // namespace stagebox::sandbox
