#include "sandbox/cgroup_place.h"

#include <algorithm>

namespace stagebox::sandbox {

bool CgroupPlace::has(Controller controller) const {
  return std::ranges::find(controllers, controller) != controllers.end();
}

const char* controller_name(Controller controller, CgroupPlace::Version version) {
  switch (controller) {
    case Controller::kCpu:
      return "cpu";
    case Controller::kCpuset:
      return "cpuset";
    case Controller::kMemory:
      return "memory";
    case Controller::kPids:
      return "pids";
    case Controller::kIo:
      return version == CgroupPlace::Version::kV2 ? "io" : "blkio";
    case Controller::kCpuAccounting:
      return "cpuacct";
  }
  return "";
}

}  // namespace stagebox::sandbox
