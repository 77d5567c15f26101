// CgroupTree: where this process may make cgroups, found out once. Every Cgroup lives below the one
// directory that it makes in each hierarchy for this process, or is that directory, so that a dead
// process's cgroups are found by name.
#pragma once

#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "sandbox/cgroup.h"

namespace stagebox::sandbox {

/// How many cgroups a tree makes at a time. A directory costs time in each hierarchy: where there
/// is one sandbox only, the process's directory is its cgroup.
enum class CgroupCount { kMany, kOne };

class CgroupTree {
 public:
  /// Reads /proc/self/cgroup and /proc/self/mountinfo and tries. `name` is that of the directory
  /// that will be made in each place, on first use. Never fails: what is missing is said by has()
  /// and make().
  static CgroupTree discover(const std::string& name, CgroupCount count = CgroupCount::kMany);

  [[nodiscard]] const std::vector<CgroupPlace>& places() const { return places_; }
  [[nodiscard]] bool has(Controller controller) const { return place_of(controller) != nullptr; }
  /// The place that has it, or nullptr. CPU time is counted by every v2 place.
  [[nodiscard]] const CgroupPlace* place_of(Controller controller) const;
  /// The directories in which or as which make() creates cgroups; the intent to be recorded before
  /// the first call.
  [[nodiscard]] std::vector<std::string> directories() const;

  /// A cgroup with these limits, or kUnsupported with the controller and the remedy. Bytes to and
  /// from a disk are limited for the one that holds the open directory `storage_fd`. With kOne the
  /// one before must have been destroyed. Thread-safe.
  base::Result<Cgroup> make(const std::string& name, const Limits& limits, int storage_fd);
  /// Removes this process's directories (empty by now) and moves back to where it was.
  base::Result<void> destroy();

 private:
  [[nodiscard]] base::Result<void> refuse_what_is_missing(const Limits& limits) const;
  [[nodiscard]] base::Error missing(Controller controller) const;
  [[nodiscard]] std::string own_dir(const CgroupPlace& place) const;
  [[nodiscard]] bool can_be_one_level(const CgroupPlace& place) const;
  base::Result<void> prepare(const CgroupPlace& place);
  base::Result<void> delegate(const CgroupPlace& place, const std::string& own_dir);
  base::Result<void> leave(const CgroupPlace& place);

  std::string name_;
  CgroupCount count_ = CgroupCount::kMany;
  std::vector<CgroupPlace> places_;
  std::string unusable_;  ///< Our v2 cgroup, when neither it nor one above it will do.
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();  ///< Guards what follows.
  std::set<std::string> prepared_;   ///< CgroupPlace::dir of those where our directory may be.
  std::set<std::string> one_level_;  ///< Of these: our directory is the one cgroup.
  std::set<std::string> moved_;      ///< Places in whose leaf we are.
};

}  // namespace stagebox::sandbox
