#include "sandbox/cgroup/cgroup_place.h"

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
    case Controller::kHugePages:
      return "hugetlb";
    case Controller::kRdma:
      return "rdma";
    case Controller::kNetworkClass:
      return "net_cls";
    case Controller::kNetworkPriority:
      return "net_prio";
    case Controller::kMisc:
      return "misc";
  }
  return "";
}

std::optional<Controller> controller_by_name(std::string_view name, CgroupPlace::Version version) {
  for (const Controller controller : kEveryController) {
    if (name == controller_name(controller, version)) return controller;
  }
  return std::nullopt;
}

std::optional<Controller> controller_of_file(std::string_view file) {
  return controller_by_name(file.substr(0, file.find('.')), CgroupPlace::Version::kV2);
}

bool is_regular(Controller controller) {
  switch (controller) {
    case Controller::kCpu:
    case Controller::kCpuset:
    case Controller::kMemory:
    case Controller::kPids:
    case Controller::kIo:
    case Controller::kCpuAccounting:
      return true;
    case Controller::kHugePages:
    case Controller::kRdma:
    case Controller::kNetworkClass:
    case Controller::kNetworkPriority:
    case Controller::kMisc:
      break;
  }
  return false;
}

}  // namespace stagebox::sandbox
