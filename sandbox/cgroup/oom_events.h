// OomEvents: whether it was a cgroup's own memory limit that was reached, or one above it. v1 only:
// there the kernel tells every cgroup below the one that ran out of memory, and not whose limit it
// was (cgroup-v1/memory.rst, "OOM Control"; mem_cgroup_oom_notify). v2 counts by cgroup.
#pragma once

#include <cstdint>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::sandbox {

class OomEvents {
 public:
  /// `dir` and `parent`, the cgroup right above it, may both be registered with.
  static base::Result<OomEvents> watch(const std::string& dir, const std::string& parent);

  /// Readable when memory ran out in the cgroup or above it, until own_limit().
  [[nodiscard]] int fd() const { return own_.get(); }
  /// How often so far it was the limit of `dir` itself: what it was told and its parent was not.
  /// The kernel tells the parent first, so the difference is never too large.
  [[nodiscard]] std::uint64_t own_limit();

 private:
  base::UniqueFd own_;
  base::UniqueFd parent_;
  std::uint64_t own_count_ = 0;
  std::uint64_t parent_count_ = 0;
};

}  // namespace stagebox::sandbox
