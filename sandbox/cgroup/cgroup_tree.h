// CgroupTree: where this process may make cgroups, found out once. Every Cgroup lives below the one
// directory that it makes in each hierarchy for this process, or is that directory, so that a dead
// process's cgroups are found by name.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "sandbox/cgroup/cgroup.h"
#include "sandbox/cgroup/cgroup_path.h"

namespace stagebox::sandbox {

/// How many cgroups a tree makes at a time. A directory costs time in each hierarchy: where there
/// is one sandbox only, the process's directory is its cgroup.
enum class CgroupCount { kMany, kOne };

class CgroupTree {
 public:
  /// Reads /proc/self/cgroup and /proc/self/mountinfo and tries. `name` is that of the directory
  /// that will be made in each place, on first use. What is missing is no Error: has() and make()
  /// say so. What could not be looked at is one.
  static base::Result<CgroupTree> discover(const std::string& name,
                                           CgroupCount count = CgroupCount::kMany);

  [[nodiscard]] const std::vector<CgroupPlace>& places() const { return places_; }
  [[nodiscard]] bool has(Controller controller) const { return place_of(controller) != nullptr; }
  /// The place that has it, or nullptr. CPU time is counted by every v2 place.
  [[nodiscard]] const CgroupPlace* place_of(Controller controller) const;
  /// The directories in which or as which make() creates cgroups; the intent to be recorded before
  /// the first call.
  [[nodiscard]] std::vector<std::string> directories() const;
  /// Which ones make() would create for a path from the mount point, which are not in those. They
  /// must not be killed or removed unless they were made: others can have some of the same name.
  [[nodiscard]] std::vector<std::string> directories_of(const CgroupPath& path) const;

  /// A cgroup with these limits, or kUnsupported with the controller and the remedy. `text` is as
  /// in SandboxSpec::cgroup; what it names must not be there. Bytes to and from a disk are limited
  /// for the one that holds the open directory `storage_fd`. With kOne the one before must have
  /// been destroyed. Thread-safe.
  base::Result<Cgroup> make(const std::string& text, const Limits& limits, int storage_fd);
  /// Removes this process's directories (empty by now) and moves back to where it was.
  base::Result<void> destroy();

 private:
  [[nodiscard]] base::Result<void> refuse_what_is_missing(const Limits& limits) const;
  [[nodiscard]] base::Error missing(Controller controller) const;
  [[nodiscard]] std::string own_dir(const CgroupPlace& place) const;
  [[nodiscard]] bool can_be_one_level(const CgroupPlace& place,
                                      const std::string& controllers) const;
  /// The controllers of the place that a sandbox with these needs is in, in words of v2.
  [[nodiscard]] std::string handed_down(const CgroupPlace& place,
                                        const std::vector<Controller>& needed) const;
  [[nodiscard]] bool is_wanted(const CgroupPlace& place,
                               const std::vector<Controller>& needed) const;
  enum class Levels {
    kOne,  ///< Our directory is the one cgroup.
    kTwo,  ///< The cgroups lie in it.
  };
  base::Result<void> prepare(const CgroupPlace& place, Levels levels,
                             const std::string& controllers);
  base::Result<void> delegate(const CgroupPlace& place, const std::string& controllers);
  base::Result<Cgroup::Where> where_of(const CgroupPlace& place, const CgroupPath& path,
                                       const std::string& controllers);
  base::Result<void> add(Cgroup& cgroup, const CgroupPlace& place, const CgroupPath& path,
                         const Limits& limits, const std::string& device);
  base::Result<void> leave(const CgroupPlace& place);

  std::string name_;
  CgroupCount count_ = CgroupCount::kMany;
  std::vector<CgroupPlace> places_;
  std::string unusable_;  ///< Our v2 cgroup, when neither it nor one above it will do.
  std::unique_ptr<std::mutex> mutex_ = std::make_unique<std::mutex>();  ///< Guards what follows.
  /// By CgroupPlace::dir of those where our directory may be: what it hands down.
  std::map<std::string, std::set<std::string>> prepared_;
  std::set<std::string> two_levels_;  ///< Of these: our directory has the cgroups in it.
  std::set<std::string> moved_;       ///< Places in whose leaf we are.
  std::set<std::string> made_;        ///< Directories on the way to a cgroup.
};

}  // namespace stagebox::sandbox
