// Cgroup: the limits and the accounting of one sandbox, on cgroup v2, v1 or both at once. Made by
// CgroupTree.
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/cgroup/cgroup_place.h"
#include "sandbox/cgroup/cgroup_usage.h"
#include "sandbox/cgroup/oom_events.h"
#include "sandbox/spec/limits.h"

namespace stagebox::sandbox {

class Cgroup {
 public:
  Cgroup(Cgroup&&) = default;
  Cgroup& operator=(Cgroup&&) = default;
  ~Cgroup();

  /// The v2 directory for clone3(CLONE_INTO_CGROUP), or -1.
  [[nodiscard]] int v2_dir() const { return v2_dir_.get(); }
  /// The tasks file of each v1 hierarchy; the new process writes "0" to each, for itself. The
  /// kernel can do that without a lock on all processes of the machine, which it can give out only
  /// after every processor has passed a quiet state: some ten milliseconds
  /// (cgroup_procs_write_start, Linux 5.5).
  [[nodiscard]] const std::vector<base::UniqueFd>& v1_tasks() const { return v1_tasks_; }
  /// To be read before destroy().
  [[nodiscard]] CgroupUsage usage();
  /// User and system, of all processes, dead ones included.
  [[nodiscard]] std::chrono::microseconds cpu_time() const;
  /// Readable when v1's killer had to choose a victim, here or anywhere below a cgroup above this
  /// one, until usage() is asked whose limit it was. If it was the sandbox's, the whole of it has
  /// to go, which v2 does by itself (memory.oom.group). -1 where that is not so.
  [[nodiscard]] int oom_event() const { return oom_events_ ? oom_events_->fd() : -1; }
  /// Removes the directories. Waits briefly for the kernel to let go of dead processes.
  base::Result<void> destroy();

 private:
  friend class CgroupTree;
  Cgroup() = default;
  /// Where a directory is made in a place.
  struct Where {
    std::string top;                 ///< A directory that is there.
    std::vector<std::string> parts;  ///< Below it; the last one must not be there yet.
    std::string controllers;         ///< What v2 hands down on the way, as "+cpu +memory".
    std::set<std::string>* made;     ///< What has been made on the way, by any of ours.
  };
  /// Makes the directory, sets its limits, opens what the start of the sandbox needs.
  base::Result<void> add(const CgroupPlace& place, const Where& where, const Limits& limits,
                         const std::string& device);
  /// The directory in which the last part is made.
  base::Result<std::string> make_parents(const CgroupPlace& place, const Where& where);
  base::Result<void> open(const CgroupPlace& place, const std::string& parent,
                          const std::string& dir, const Limits& limits, const std::string& device);

  std::vector<std::pair<CgroupPlace, std::string>> dirs_;  ///< Each place with our directory in it.
  std::vector<std::string> parents_;  ///< On the way to them, made by us or by another sandbox.
  std::vector<base::UniqueFd> v1_tasks_;
  base::UniqueFd v2_dir_;
  std::optional<OomEvents> oom_events_;
};

}  // namespace stagebox::sandbox
