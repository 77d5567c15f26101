// CgroupPlace: a directory of a mounted cgroup hierarchy in which we may make cgroups, and what it
// controls.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stagebox::sandbox {

/// kCpuAccounting is a controller of its own in v1 only; in v2 every cgroup counts CPU time. Those
/// from kHugePages on are only looked for when a limit of theirs is asked for; kNetworkClass and
/// kNetworkPriority are v1's alone, kMisc is v2's.
enum class Controller {
  kCpu,
  kCpuset,
  kMemory,
  kPids,
  kIo,
  kCpuAccounting,
  kHugePages,
  kRdma,
  kNetworkClass,
  kNetworkPriority,
  kMisc,
};
inline constexpr Controller kEveryController[] = {
    Controller::kCpu,          Controller::kCpuset,
    Controller::kMemory,       Controller::kPids,
    Controller::kIo,           Controller::kCpuAccounting,
    Controller::kHugePages,    Controller::kRdma,
    Controller::kNetworkClass, Controller::kNetworkPriority,
    Controller::kMisc};

/// Whether a sandbox without limits of its own is in a cgroup of it.
bool is_regular(Controller controller);

struct CgroupPlace {
  enum class Version { kV1, kV2 } version = Version::kV2;
  std::string dir;  ///< Absolute; an existing cgroup that we do not own and never change.
  std::vector<Controller> controllers;
  std::string mount_point = {};  ///< Of its hierarchy.

  [[nodiscard]] bool has(Controller controller) const;
};

/// The kernel's name: "io" is "blkio" in v1.
const char* controller_name(Controller controller, CgroupPlace::Version version);
/// By its name there; nothing for one that is not known.
std::optional<Controller> controller_by_name(std::string_view name, CgroupPlace::Version version);
/// Of a file of cgroup v2, such as "memory.high"; nothing for one of the core ("cgroup.procs").
std::optional<Controller> controller_of_file(std::string_view file);

}  // namespace stagebox::sandbox
