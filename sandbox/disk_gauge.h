// DiskGauge: how full a file system with a limit of its own is, and how full it was seen. The
// kernel keeps no highest mark of a tmpfs and tells nobody what it refused, so it is looked at: at
// the earliest moment at which it could be full, and not more often than each 10 ms.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "sandbox/disk_share.h"
#include "sandbox/exit_report.h"
#include "sandbox/spec/limits.h"

namespace stagebox::sandbox {

class DiskGauge {
 public:
  /// `dir_fd` is open as long as this is looked at. `limits` has those of the file system that it
  /// is on: `disk` and `inodes`.
  DiskGauge(int dir_fd, const Limits& limits);

  /// After how long it could be full, and so has to be looked at again.
  std::chrono::milliseconds look();
  /// The most that was in use at any look.
  [[nodiscard]] const DiskSpace& peak() const { return peak_; }
  /// The limits that are used up as of the last look.
  [[nodiscard]] const std::vector<LimitHit>& exhausted() const { return exhausted_; }
  /// For a command that failed while it is not: the limit that was used up at a look before. With
  /// `said` the command's last words were that no space is left; where no look saw that, it is that
  /// of bytes, unless the peak came close to the other one.
  [[nodiscard]] std::optional<LikelyLimit> likely(bool said) const;

 private:
  [[nodiscard]] LikelyLimit likely(LimitHit::Which which, LikelyLimit::ToldBy told_by) const;

  int dir_fd_;
  DiskSpace limits_;
  DiskSpace peak_;
  std::vector<LimitHit> exhausted_;
  std::optional<LimitHit::Which> was_exhausted_;  ///< At the last look that saw one.
};

}  // namespace stagebox::sandbox
