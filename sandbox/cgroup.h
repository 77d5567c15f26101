// Cgroup: the limits and the accounting of one sandbox, on cgroup v2, v1 or both at once.
// CgroupTree finds out once where this process may make cgroups; every Cgroup lives below the one
// directory that it makes for this process, so that a dead process's cgroups are found by name.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/limits.h"

namespace stagebox::sandbox {

enum class Controller { kCpu, kMemory, kPids };

/// A directory of a mounted hierarchy in which we may make cgroups, and what it controls.
struct CgroupPlace {
  enum class Version { kV1, kV2 } version = Version::kV2;
  std::string dir;  ///< Absolute; an existing cgroup that we do not own and never change.
  std::vector<Controller> controllers;
};

/// What the kernel counted for a whole cgroup. Zero where it does not count.
struct CgroupUsage {
  std::chrono::microseconds user_cpu{};
  std::chrono::microseconds system_cpu{};
  std::uint64_t peak_memory = 0;   ///< bytes
  std::uint64_t oom_kills = 0;     ///< processes killed for want of memory
  std::uint64_t pids_refused = 0;  ///< forks that failed at the pids limit
};

class Cgroup {
 public:
  Cgroup(Cgroup&&) = default;
  Cgroup& operator=(Cgroup&&) = default;
  ~Cgroup();

  /// The v2 directory for clone3(CLONE_INTO_CGROUP), or -1.
  [[nodiscard]] int v2_dir() const { return v2_dir_.get(); }
  /// cgroup.procs of each v1 hierarchy; whoever clones writes the new pid to each.
  [[nodiscard]] const std::vector<base::UniqueFd>& v1_procs() const { return v1_procs_; }
  /// To be read before destroy().
  [[nodiscard]] CgroupUsage usage() const;
  /// Removes the directories. Waits briefly for the kernel to let go of dead processes.
  base::Result<void> destroy();

 private:
  friend class CgroupTree;
  Cgroup() = default;
  std::vector<std::pair<CgroupPlace, std::string>> dirs_;  ///< Each place with our directory in it.
  std::vector<base::UniqueFd> v1_procs_;
  base::UniqueFd v2_dir_;
};

class CgroupTree {
 public:
  /// Reads /proc/self/cgroup and /proc/self/mountinfo and tries. `name` is that of the directory
  /// that will be made in each place, on first use. Never fails: what is missing is said by
  /// missing().
  static CgroupTree discover(const std::string& name);

  [[nodiscard]] const std::vector<CgroupPlace>& places() const { return places_; }
  [[nodiscard]] bool has(Controller controller) const;
  /// The directories that make() creates; the intent to be recorded before the first call.
  [[nodiscard]] std::vector<std::string> directories() const;

  /// A cgroup with these limits, or kUnsupported with the controller and the remedy. Thread-safe
  /// after the first call.
  base::Result<Cgroup> make(const std::string& name, const Limits& limits);
  /// Removes this process's directories (empty by now).
  base::Result<void> destroy();

  /// Kills whatever is left in a dead process's directories, and removes them.
  static base::Result<void> remove_dead(const std::string& directory);

 private:
  base::Result<void> prepare();

  std::string name_;
  std::vector<CgroupPlace> places_;
  bool prepared_ = false;
};

const char* controller_name(Controller controller);

}  // namespace stagebox::sandbox
