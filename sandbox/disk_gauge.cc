#include "sandbox/disk_gauge.h"

#include <sys/statvfs.h>

#include <algorithm>

#include "sandbox/disk_reserve_watch.h"

namespace stagebox::sandbox {
namespace {

// A file system with less than this left is full for what stages write.
constexpr std::uint64_t kFullBelow = std::uint64_t{64} << 10;

double part(std::uint64_t used, std::uint64_t limit) {
  return limit == 0 ? 0 : static_cast<double>(used) / static_cast<double>(limit);
}

// Files do not come as fast as bytes: what was never seen near the limit of files was that of
// bytes.
bool is_of_inodes(const DiskSpace& peak, const DiskSpace& limits) {
  const double inodes = part(peak.inodes, limits.inodes);
  return inodes > 0.5 && inodes > part(peak.bytes, limits.bytes);
}

}  // namespace

DiskGauge::DiskGauge(int dir_fd, const Limits& limits)
    : dir_fd_(dir_fd), limits_{limits.disk.value_or(0), limits.inodes.value_or(0)} {}

std::chrono::milliseconds DiskGauge::look() {
  struct statvfs status{};
  if (::fstatvfs(dir_fd_, &status) != 0) return std::chrono::seconds(1);
  const DiskSpace free{status.f_bavail * status.f_frsize, status.f_favail};
  peak_.bytes = std::max(peak_.bytes, (status.f_blocks - status.f_bfree) * status.f_frsize);
  peak_.inodes = std::max<std::uint64_t>(peak_.inodes, status.f_files - status.f_ffree);
  exhausted_.clear();
  if (free.bytes < kFullBelow)
    exhausted_.push_back(LimitHit{LimitHit::Which::kDisk, limits_.bytes});
  if (free.inodes == 0) exhausted_.push_back(LimitHit{LimitHit::Which::kInodes, limits_.inodes});
  if (!exhausted_.empty()) was_exhausted_ = exhausted_.front().which;
  return *until_reserve(free, DiskSpace{});
}

std::optional<LikelyLimit> DiskGauge::likely(bool said) const {
  if (was_exhausted_) return likely(*was_exhausted_, LikelyLimit::ToldBy::kKernel);
  if (!said) return std::nullopt;
  return likely(is_of_inodes(peak_, limits_) ? LimitHit::Which::kInodes : LimitHit::Which::kDisk,
                LikelyLimit::ToldBy::kLog);
}

LikelyLimit DiskGauge::likely(LimitHit::Which which, LikelyLimit::ToldBy told_by) const {
  const bool inodes = which == LimitHit::Which::kInodes;
  return {.which = inodes ? LikelyLimit::Which::kInodes : LikelyLimit::Which::kDisk,
          .limit = inodes ? limits_.inodes : limits_.bytes,
          .told_by = told_by};
}

}  // namespace stagebox::sandbox
