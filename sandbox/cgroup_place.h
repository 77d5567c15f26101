// CgroupPlace: a directory of a mounted cgroup hierarchy in which we may make cgroups, and what it
// controls.
#pragma once

#include <string>
#include <vector>

namespace stagebox::sandbox {

/// kCpuAccounting is a controller of its own in v1 only; in v2 every cgroup counts CPU time.
enum class Controller { kCpu, kCpuset, kMemory, kPids, kIo, kCpuAccounting };

struct CgroupPlace {
  enum class Version { kV1, kV2 } version = Version::kV2;
  std::string dir;  ///< Absolute; an existing cgroup that we do not own and never change.
  std::vector<Controller> controllers;
  std::string mount_point = {};  ///< Of its hierarchy.

  [[nodiscard]] bool has(Controller controller) const;
};

/// The kernel's name: "io" is "blkio" in v1.
const char* controller_name(Controller controller, CgroupPlace::Version version);

}  // namespace stagebox::sandbox
