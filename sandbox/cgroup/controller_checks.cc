#include "sandbox/cgroup/controller_checks.h"

#include <optional>
#include <string>
#include <string_view>

namespace stagebox::sandbox {
namespace {

using Version = CgroupPlace::Version;

bool only_of(std::string_view text, std::string_view allowed) {
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

constexpr std::string_view kNameCharacters =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";

// What is in the core of a cgroup ("cgroup.*") decides who is in it and who lives: that is ours.
base::Result<void> check_unified_file(const std::string& file) {
  if (!only_of(file, kNameCharacters) || file.starts_with('.') ||
      file.find('.') == std::string::npos)
    return base::invalid("\"" + file + "\" is not the name of a file of cgroup v2");
  if (controller_of_file(file)) return {};
  return base::unsupported(file + " is of no controller that is known");
}

bool is_weight(const std::optional<std::uint64_t>& weight) {
  return !weight || (*weight >= kMinDiskWeight && *weight <= kMaxDiskWeight);
}

// 0 is no limit to v1.
bool is_rate(const std::optional<std::uint64_t>& rate) { return !rate || *rate > 0; }

base::Result<void> check_block_io(const BlockIo& block_io) {
  bool weights = is_weight(block_io.weight);
  for (const DiskLimits& disk : block_io.disks) {
    weights = weights && is_weight(disk.weight);
    if (!is_rate(disk.read_bytes) || !is_rate(disk.write_bytes) || !is_rate(disk.read_operations) ||
        !is_rate(disk.write_operations))
      return base::invalid("a disk of which nothing may be used cannot be asked for");
  }
  return weights ? base::Result<void>() : base::invalid("the weight of a disk is 10 to 1000");
}

}  // namespace

base::Result<void> check_controllers(const ControllerLimits& limits) {
  TRY(check_block_io(limits.block_io));
  for (const HugePageLimit& limit : limits.huge_pages) {
    const std::string_view size = limit.page_size;
    const bool unit = size.ends_with("KB") || size.ends_with("MB") || size.ends_with("GB");
    if (!unit || !only_of(size.substr(0, size.size() - 2), "0123456789"))
      return base::invalid("\"" + limit.page_size + "\" is not the size of a huge page");
  }
  for (const RdmaLimit& limit : limits.rdma) {
    if (!only_of(limit.device, kNameCharacters) || !(limit.handles || limit.objects))
      return base::invalid("an RDMA limit needs a device, and handles or objects");
  }
  for (const auto& [interface, priority] : limits.network_priorities) {
    if (interface.empty() || interface.find_first_of(" \t\n/") != std::string::npos)
      return base::invalid("\"" + interface + "\" is not the name of an interface");
  }
  for (const auto& [file, value] : limits.unified) TRY(check_unified_file(file));
  if (limits.swappiness.value_or(0) > 100) return base::invalid("swappiness is above 100");
  if (limits.cpu_idle.value_or(0) > 1) return base::invalid("cpu idle is 0 or 1");
  return {};
}

base::Result<void> check_version(Version version, Controller controller, const Limits& limits) {
  constexpr char kRemedy[] = "; remove the limit, or use a machine with cgroup v";
  const auto lacks = [&](const char* what, const char* other) {
    return base::unsupported(std::string("a limit cannot be enforced: cgroup ")
                                 .append(version == Version::kV2 ? "v2" : "v1")
                                 .append(" has no ")
                                 .append(what)
                                 .append(kRemedy)
                                 .append(other));
  };
  if (version == Version::kV1) {
    if (controller == Controller::kIo && limits.io_write)
      return base::unsupported(
          "io_write cannot be enforced: cgroup v1 does not count what is written through the page "
          "cache; boot with cgroup v2 (systemd.unified_cgroup_hierarchy=1), or remove the limit");
    for (const auto& [file, value] : limits.controllers.unified) {
      if (controller_of_file(file) == controller) return lacks(("file " + file).c_str(), "2");
    }
    return {};
  }
  if (controller == Controller::kMemory && limits.controllers.swappiness)
    return lacks("swappiness", "1");
  if (controller == Controller::kCpu &&
      (limits.controllers.realtime_runtime || limits.controllers.realtime_period))
    return lacks("limits of realtime scheduling", "1");
  return {};
}

}  // namespace stagebox::sandbox
