#include "sandbox/cgroup_settings.h"

#include <algorithm>
#include <cstdint>

namespace stagebox::sandbox {
namespace {

using Need = CgroupSetting::Need;
using Version = CgroupPlace::Version;

constexpr std::uint64_t kCpuPeriodUsec = 100'000;
constexpr std::uint64_t kMinQuotaUsec = 1000;  // the kernel's own minimum
// v1 calls the weight shares, and 1024 what v2 calls 100; it takes no less than 2.
constexpr std::uint64_t kSharesPerHundred = 1024;
constexpr std::uint64_t kMinShares = 2;

std::string cpu_quota(double cpus) {
  const auto quota = static_cast<std::uint64_t>(cpus * static_cast<double>(kCpuPeriodUsec));
  return std::to_string(std::max(quota, kMinQuotaUsec));
}

std::vector<CgroupSetting> cpu_settings(Version version, const Limits& limits) {
  const bool v2 = version == Version::kV2;
  const std::string period = std::to_string(kCpuPeriodUsec);
  std::vector<CgroupSetting> settings;
  if (limits.cpus && v2) {
    settings.push_back({"cpu.max", cpu_quota(*limits.cpus) + " " + period});
  } else if (limits.cpus) {
    settings.push_back({"cpu.cfs_period_us", period});
    settings.push_back({"cpu.cfs_quota_us", cpu_quota(*limits.cpus)});
  }
  if (limits.cpu_weight && v2) {
    settings.push_back({"cpu.weight", std::to_string(*limits.cpu_weight)});
  } else if (limits.cpu_weight) {
    const std::uint64_t shares = *limits.cpu_weight * kSharesPerHundred / 100;
    settings.push_back({"cpu.shares", std::to_string(std::max(shares, kMinShares))});
  }
  return settings;
}

std::vector<CgroupSetting> reservation_settings(Version version, const Limits& limits) {
  if (!limits.memory_reservation) return {};
  const std::string bytes = std::to_string(*limits.memory_reservation);
  if (version == Version::kV2) return {{"memory.low", bytes}};
  return {{"memory.soft_limit_in_bytes", bytes}};
}

std::vector<CgroupSetting> memory_settings(Version version, const Limits& limits) {
  if (!limits.memory) return {};
  const std::string bytes = std::to_string(*limits.memory);
  if (version == Version::kV2) {
    // One process over the limit ends the sandbox, not a random part of it.
    return {{"memory.max", bytes},
            {"memory.oom.group", "1"},
            {"memory.swap.max", "0", Need::kWhereThere}};
  }
  return {{"memory.limit_in_bytes", bytes},
          {"memory.memsw.limit_in_bytes", bytes, Need::kWhereThere},
          {"memory.swappiness", "0", Need::kWhereThere}};
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

}  // namespace

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
    case Controller::kIo:
      return io_settings(version, limits, device);
    case Controller::kCpuset:
      return cpuset_settings(limits);
    case Controller::kPids:
      if (limits.pids) return {{"pids.max", std::to_string(*limits.pids)}};
      return {};
    case Controller::kCpuAccounting:
      break;
  }
  return {};
}

std::vector<Controller> needed_controllers(const Limits& limits) {
  std::vector<Controller> needed;
  if (limits.cpus || limits.cpu_weight) needed.push_back(Controller::kCpu);
  if (limits.cpuset || limits.cpuset_mems) needed.push_back(Controller::kCpuset);
  if (limits.memory || limits.memory_reservation) needed.push_back(Controller::kMemory);
  if (limits.pids) needed.push_back(Controller::kPids);
  if (limits.io_read || limits.io_write) needed.push_back(Controller::kIo);
  if (limits.cpu_time) needed.push_back(Controller::kCpuAccounting);
  return needed;
}

}  // namespace stagebox::sandbox
