#include "sandbox/cgroup/cgroup_settings.h"

#include <algorithm>
#include <cstdint>
#include <utility>

namespace stagebox::sandbox {
namespace {

using Need = CgroupSetting::Need;
using Version = CgroupPlace::Version;

constexpr std::uint64_t kMinQuotaUsec = 1000;  // the kernel's own minimum
// v1 calls the weight shares, and 1024 what v2 calls 100; it takes no less than 2.
constexpr std::uint64_t kSharesPerHundred = 1024;
constexpr std::uint64_t kMinShares = 2;

std::string cpu_quota(double cpus, std::uint64_t period) {
  const auto quota = static_cast<std::uint64_t>(cpus * static_cast<double>(period));
  return std::to_string(std::max(quota, kMinQuotaUsec));
}

// Of what only an OCI bundle asks for. SCHED_IDLE has no weight: it comes after that.
std::vector<CgroupSetting> special_cpu_settings(Version version, const ControllerLimits& limits) {
  const bool v2 = version == Version::kV2;
  std::vector<CgroupSetting> settings;
  if (limits.cpu_burst)
    settings.push_back(
        {v2 ? "cpu.max.burst" : "cpu.cfs_burst_us", std::to_string(*limits.cpu_burst)});
  if (limits.cpu_idle) settings.push_back({"cpu.idle", std::to_string(*limits.cpu_idle)});
  if (limits.realtime_period)
    settings.push_back({"cpu.rt_period_us", std::to_string(*limits.realtime_period)});
  if (limits.realtime_runtime)
    settings.push_back({"cpu.rt_runtime_us", std::to_string(*limits.realtime_runtime)});
  return settings;
}

std::vector<CgroupSetting> cpu_settings(Version version, const Limits& limits) {
  const bool v2 = version == Version::kV2;
  const std::uint64_t period_usec = limits.controllers.cpu_period.value_or(kKernelCpuPeriod);
  const std::string period = std::to_string(period_usec);
  std::vector<CgroupSetting> settings;
  if (limits.cpus && v2) {
    settings.push_back({"cpu.max", cpu_quota(*limits.cpus, period_usec) + " " + period});
  } else if (limits.controllers.cpu_period && v2) {
    settings.push_back({"cpu.max", "max " + period});
  } else if (limits.cpus || limits.controllers.cpu_period) {
    settings.push_back({"cpu.cfs_period_us", period});
    if (limits.cpus) settings.push_back({"cpu.cfs_quota_us", cpu_quota(*limits.cpus, period_usec)});
  }
  if (limits.cpu_weight && v2) {
    settings.push_back({"cpu.weight", std::to_string(*limits.cpu_weight)});
  } else if (limits.cpu_weight) {
    const std::uint64_t shares = *limits.cpu_weight * kSharesPerHundred / 100;
    settings.push_back({"cpu.shares", std::to_string(std::max(shares, kMinShares))});
  }
  for (CgroupSetting& setting : special_cpu_settings(version, limits.controllers))
    settings.push_back(std::move(setting));
  return settings;
}

std::vector<CgroupSetting> reservation_settings(Version version, const Limits& limits) {
  if (!limits.memory_reservation) return {};
  const std::string bytes = std::to_string(*limits.memory_reservation);
  if (version == Version::kV2) return {{"memory.low", bytes}};
  return {{"memory.soft_limit_in_bytes", bytes}};
}

std::string amount(std::uint64_t value, const char* unlimited) {
  return value == kUnlimited ? unlimited : std::to_string(value);
}

// Of `memory` bytes and as much swap as was asked for, which a kernel that does not account for
// swap has no file for.
std::vector<CgroupSetting> memory_v2_settings(std::uint64_t memory,
                                              const std::optional<std::uint64_t>& swap) {
  const Need need = swap ? Need::kRequired : Need::kWhereThere;
  // One process over the limit ends the sandbox, not a random part of it.
  return {{"memory.max", std::to_string(memory)},
          {"memory.oom.group", "1"},
          {"memory.swap.max", amount(swap.value_or(0), "max"), need}};
}

// v1 counts what waits in sockets apart from other memory (memory.rst, 2.7.2): a part more, enough
// for many connections.
std::uint64_t socket_memory(std::uint64_t memory) {
  constexpr std::uint64_t kMost = std::uint64_t{64} << 20;
  return std::min(memory / 4, kMost);
}

std::vector<CgroupSetting> memory_v1_settings(std::uint64_t memory,
                                              const std::optional<std::uint64_t>& swap,
                                              const std::optional<std::uint64_t>& swappiness) {
  const Need need = swap ? Need::kRequired : Need::kWhereThere;
  const std::uint64_t both = swap == kUnlimited ? kUnlimited : memory + swap.value_or(0);
  std::vector<CgroupSetting> settings{
      {"memory.limit_in_bytes", std::to_string(memory)},
      {"memory.memsw.limit_in_bytes", amount(both, "-1"), need},
      {"memory.kmem.tcp.limit_in_bytes", std::to_string(socket_memory(memory)), Need::kWhereThere}};
  if (!swap && !swappiness) settings.push_back({"memory.swappiness", "0", Need::kWhereThere});
  return settings;
}

std::vector<CgroupSetting> memory_settings(Version version, const Limits& limits) {
  const auto& swappiness = limits.controllers.swappiness;
  std::vector<CgroupSetting> settings;
  if (limits.memory && version == Version::kV2) {
    settings = memory_v2_settings(*limits.memory, limits.controllers.swap);
  } else if (limits.memory) {
    settings = memory_v1_settings(*limits.memory, limits.controllers.swap, swappiness);
  }
  if (swappiness) settings.push_back({"memory.swappiness", std::to_string(*swappiness)});
  return settings;
}

std::vector<CgroupSetting> cpuset_settings(const Limits& limits) {
  std::vector<CgroupSetting> settings;
  if (limits.cpuset) settings.push_back({"cpuset.cpus", *limits.cpuset});
  if (limits.cpuset_mems) settings.push_back({"cpuset.mems", *limits.cpuset_mems});
  return settings;
}

std::vector<CgroupSetting> io_settings(Version version, const Limits& limits,
                                       const std::string& device) {
  std::vector<CgroupSetting> settings;
  if (version == Version::kV2) {
    std::string value;
    if (limits.io_read) value += " rbps=" + std::to_string(*limits.io_read);
    if (limits.io_write) value += " wbps=" + std::to_string(*limits.io_write);
    if (!value.empty()) settings.push_back({"io.max", device + value});
  } else if (limits.io_read) {
    settings.push_back(
        {"blkio.throttle.read_bps_device", device + " " + std::to_string(*limits.io_read)});
  }
  return settings;
}

// v2's own weights go from 1 to 10,000 where v1's, and those of BFQ, go from 10 to 1000; both call
// everybody's 100 (cgroup-v2.rst, "IO Interface Files").
std::string v2_weight(std::uint64_t weight) {
  return std::to_string(1 + (weight - kMinDiskWeight) * 9999 / (kMaxDiskWeight - kMinDiskWeight));
}

void add_weight(Version version, const std::string& device, std::uint64_t weight,
                std::vector<CgroupSetting>& settings) {
  const std::string value = device + std::to_string(weight);
  if (version == Version::kV2) {
    settings.push_back({"io.bfq.weight", value, Need::kRequired,
                        CgroupSetting::Instead{"io.weight", device + v2_weight(weight)}});
    return;
  }
  const std::string of = device.empty() ? "weight" : "weight_device";
  settings.push_back(
      {"blkio.bfq." + of, value, Need::kRequired, CgroupSetting::Instead{"blkio." + of, value}});
}

void add_disk(Version version, const DiskLimits& disk, std::vector<CgroupSetting>& settings) {
  const std::string device = std::to_string(disk.major) + ":" + std::to_string(disk.minor) + " ";
  if (disk.weight) add_weight(version, device, *disk.weight, settings);
  struct Rate {
    const std::optional<std::uint64_t>& rate;
    const char* v1;
    const char* v2;
  };
  const Rate rates[] = {{disk.read_bytes, "read_bps", "rbps"},
                        {disk.write_bytes, "write_bps", "wbps"},
                        {disk.read_operations, "read_iops", "riops"},
                        {disk.write_operations, "write_iops", "wiops"}};
  for (const Rate& one : rates) {
    if (!one.rate) continue;
    const std::string rate = std::to_string(*one.rate);
    if (version == Version::kV2) {
      std::string value = device;
      value.append(one.v2).append("=").append(rate);
      settings.push_back({"io.max", std::move(value)});
    } else {
      settings.push_back({std::string("blkio.throttle.") + one.v1 + "_device", device + rate});
    }
  }
}

// A reservation fails where it is asked for; a fault beyond the limit kills.
std::vector<CgroupSetting> huge_page_settings(Version version, const ControllerLimits& limits) {
  std::vector<CgroupSetting> settings;
  const char* most = version == Version::kV2 ? "max" : "limit_in_bytes";
  for (const HugePageLimit& limit : limits.huge_pages) {
    const std::string bytes = std::to_string(limit.bytes);
    settings.push_back({"hugetlb." + limit.page_size + ".rsvd." + most, bytes, Need::kWhereThere});
    settings.push_back({"hugetlb." + limit.page_size + "." + most, bytes});
  }
  return settings;
}

std::vector<CgroupSetting> rdma_settings(const ControllerLimits& limits) {
  std::vector<CgroupSetting> settings;
  for (const RdmaLimit& limit : limits.rdma) {
    std::string value = limit.device;
    if (limit.handles) value += " hca_handle=" + std::to_string(*limit.handles);
    if (limit.objects) value += " hca_object=" + std::to_string(*limit.objects);
    settings.push_back({"rdma.max", value});
  }
  return settings;
}

std::vector<CgroupSetting> network_settings(const ControllerLimits& limits) {
  std::vector<CgroupSetting> settings;
  for (const auto& [interface, priority] : limits.network_priorities)
    settings.push_back({"net_prio.ifpriomap", interface + " " + std::to_string(priority)});
  return settings;
}

}  // namespace

std::vector<CgroupSetting> unified_settings(const Limits& limits) {
  std::vector<CgroupSetting> settings;
  for (const auto& [file, value] : limits.controllers.unified) settings.push_back({file, value});
  return settings;
}

std::vector<CgroupSetting> cgroup_settings(Version version, Controller controller,
                                           const Limits& limits, const std::string& device) {
  switch (controller) {
    case Controller::kCpu:
      return cpu_settings(version, limits);
    case Controller::kMemory: {
      auto settings = memory_settings(version, limits);
      for (CgroupSetting& setting : reservation_settings(version, limits))
        settings.push_back(std::move(setting));
      return settings;
    }
    case Controller::kIo: {
      auto settings = io_settings(version, limits, device);
      const BlockIo& block_io = limits.controllers.block_io;
      if (block_io.weight) add_weight(version, "", *block_io.weight, settings);
      for (const DiskLimits& disk : block_io.disks) add_disk(version, disk, settings);
      return settings;
    }
    case Controller::kCpuset:
      return cpuset_settings(limits);
    case Controller::kPids:
      if (limits.pids) return {{"pids.max", std::to_string(*limits.pids)}};
      return {};
    case Controller::kHugePages:
      return huge_page_settings(version, limits.controllers);
    case Controller::kRdma:
      return rdma_settings(limits.controllers);
    case Controller::kNetworkClass:
      if (const auto& number = limits.controllers.network_class)
        return {{"net_cls.classid", std::to_string(*number)}};
      return {};
    case Controller::kNetworkPriority:
      return network_settings(limits.controllers);
    case Controller::kCpuAccounting:
    case Controller::kMisc:
      break;
  }
  return {};
}

namespace {

bool needs_unified(const ControllerLimits& limits, Controller controller) {
  return std::ranges::any_of(limits.unified, [&](const auto& setting) {
    return controller_of_file(setting.first) == controller;
  });
}

bool needs(const Limits& limits, Controller controller) {
  const ControllerLimits& special = limits.controllers;
  switch (controller) {
    case Controller::kCpu:
      return limits.cpus || limits.cpu_weight || special.cpu_period || special.cpu_burst ||
             special.cpu_idle || special.realtime_runtime || special.realtime_period;
    case Controller::kCpuset:
      return limits.cpuset || limits.cpuset_mems;
    case Controller::kMemory:
      return limits.memory || limits.memory_reservation || special.swap || special.swappiness;
    case Controller::kPids:
      return limits.pids.has_value();
    case Controller::kIo:
      return limits.io_read || limits.io_write || special.block_io.weight ||
             !special.block_io.disks.empty();
    case Controller::kCpuAccounting:
      return limits.cpu_time.has_value();
    case Controller::kHugePages:
      return !special.huge_pages.empty();
    case Controller::kRdma:
      return !special.rdma.empty();
    case Controller::kNetworkClass:
      return special.network_class.has_value();
    case Controller::kNetworkPriority:
      return !special.network_priorities.empty();
    case Controller::kMisc:
      break;
  }
  return false;
}

}  // namespace

std::vector<Controller> needed_controllers(const Limits& limits) {
  std::vector<Controller> needed;
  for (const Controller controller : kEveryController) {
    if (needs(limits, controller) || needs_unified(limits.controllers, controller))
      needed.push_back(controller);
  }
  return needed;
}

}  // namespace stagebox::sandbox
