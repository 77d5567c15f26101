#include <sys/sysmacros.h>

#include <algorithm>

#include "sandbox/cgroup/controller_checks.h"
#include "sandbox/oci/oci_parts.h"
#include "sandbox/oci/oci_reader.h"

namespace stagebox::sandbox::oci {
namespace {

using base::Result;

// It counts memory too. -1 is as much as there is; the same as the limit, and nothing, is none.
Result<void> read_swap(OciReader& object, std::int64_t limit, Limits& limits) {
  std::int64_t swap = 0;
  TRY(object.read("swap", swap));
  if (swap == 0 || swap == limit) return {};
  if (limit <= 0) return base::invalid(object.name_of("swap") + ": it needs a limit of memory");
  if (swap != -1 && swap < limit)
    return base::invalid(object.name_of("swap") +
                         ": it counts memory too, and is below the limit of that");
  limits.controllers.swap = swap == -1 ? kUnlimited : static_cast<std::uint64_t>(swap - limit);
  return {};
}

// -1 is no limit of its own.
Result<void> refuse_kernel_memory(OciReader& object, const char* key) {
  std::int64_t bytes = -1;
  TRY(object.read(key, bytes));
  if (bytes <= 0) return {};
  return base::unsupported(object.name_of(key) + ": kernel memory is counted in the limit");
}

Result<void> read_memory(OciReader object, Limits& limits) {
  std::int64_t limit = -1;
  std::int64_t reservation = -1;
  TRY(object.read("limit", limit));
  TRY(object.read("reservation", reservation));
  if (limit > 0) limits.memory = static_cast<std::uint64_t>(limit);
  if (reservation > 0) limits.memory_reservation = static_cast<std::uint64_t>(reservation);
  TRY(read_swap(object, limit, limits));
  TRY(refuse_kernel_memory(object, "kernel"));
  TRY(refuse_kernel_memory(object, "kernelTCP"));
  TRY(object.read("swappiness", limits.controllers.swappiness));
  TRY(object.refuse("disableOOMKiller",
                    "a sandbox that needs more than its limit is killed; leave it out"));
  (void)object.raw("useHierarchy");       // always so
  (void)object.raw("checkBeforeUpdate");  // nothing is updated
  return object.finish();
}

// 1024 shares are everybody's, which we call 100. The period of a quota is the kernel's own unless
// it is given.
Result<void> read_bandwidth(OciReader& object, Limits& limits) {
  std::uint64_t shares = 0;
  std::int64_t quota = -1;
  ControllerLimits& special = limits.controllers;
  TRY(object.read("shares", shares));
  TRY(object.read("quota", quota));
  TRY(object.read("period", special.cpu_period));
  TRY(object.read("burst", special.cpu_burst));
  if (special.cpu_period == std::uint64_t{0})
    return base::invalid(object.name_of("period") + " is 0");
  const auto period = static_cast<double>(special.cpu_period.value_or(kKernelCpuPeriod));
  if (quota > 0) limits.cpus = static_cast<double>(quota) / period;
  if (shares != 0) limits.cpu_weight = std::clamp<std::uint64_t>(shares * 100 / 1024, 1, 10'000);
  if (special.cpu_burst && (quota <= 0 || *special.cpu_burst > static_cast<std::uint64_t>(quota)))
    return base::invalid(object.name_of("burst") + ": it is at most the quota, and needs one");
  return {};
}

Result<void> read_cpu(OciReader object, Limits& limits) {
  TRY(read_bandwidth(object, limits));
  std::string cpus;
  std::string mems;
  TRY(object.read("cpus", cpus));
  TRY(object.read("mems", mems));
  if (!cpus.empty()) limits.cpuset = cpus;
  if (!mems.empty()) limits.cpuset_mems = mems;
  TRY(object.read("realtimeRuntime", limits.controllers.realtime_runtime));
  TRY(object.read("realtimePeriod", limits.controllers.realtime_period));
  TRY(object.read("idle", limits.controllers.cpu_idle));
  return object.finish();
}

// A rule of linux.resources.devices.
struct DeviceRule {
  bool allow = false;
  std::string type = "a";  ///< "a": of both kinds.
  std::optional<unsigned> major;
  std::optional<unsigned> minor;
  std::string access;  ///< Of "rwm"; none of it: all.

  [[nodiscard]] bool names_everything() const {
    return (type == "a" || type.empty()) && !major && !minor;
  }
  [[nodiscard]] bool is_about(const Device& device) const {
    const bool block = device.node->type == Device::Node::Type::kBlock;
    return (type == "a" || type.empty() || type == (block ? "b" : "c")) &&
           (!major || *major == ::major(device.number.value_or(0))) &&
           (!minor || *minor == ::minor(device.number.value_or(0)));
  }
  [[nodiscard]] bool has(char one) const {
    return access.empty() || access.find(one) != std::string::npos;
  }
};

// -1 is what some writers have for "all of them".
Result<std::optional<unsigned>> read_number(OciReader& rule, const char* key) {
  std::int64_t number = -1;
  TRY(rule.read(key, number));
  if (number == -1) return std::optional<unsigned>();
  if (number < 0 || number > 0xfffff)
    return base::invalid(rule.name_of(key) + ": this is no number of a device");
  return std::optional<unsigned>(static_cast<unsigned>(number));
}

Result<DeviceRule> read_device_rule(OciReader& object) {
  DeviceRule rule;
  TRY(object.read("allow", rule.allow));
  TRY(object.read("type", rule.type));
  rule.major = TRY(read_number(object, "major"));
  rule.minor = TRY(read_number(object, "minor"));
  TRY(object.read("access", rule.access));
  TRY(object.finish());
  if (rule.access.find_first_not_of("rwm") != std::string::npos)
    return base::invalid(object.name_of("access") + ": \"" + rule.access + "\" is not of \"rwm\"");
  return rule;
}

// What the rules leave of reading and writing: what the last one says that is about it.
bool is_left_open(const Device& device, const std::vector<DeviceRule>& rules) {
  bool open[2] = {true, true};
  for (const DeviceRule& rule : rules) {
    if (!rule.is_about(device)) continue;
    for (std::size_t i = 0; i < 2; ++i) {
      if (rule.has("rw"[i])) open[i] = rule.allow;
    }
  }
  return open[0] && open[1];
}

// Nodes cannot be made in a user namespace, and none is there but the standard ones and those of
// linux.devices: all others are denied without a rule. So rules that allow change nothing, and one
// that denies everything first is held; one that denies a single device could not be, and neither
// could one that denies what linux.devices gives, or half of it.
Result<void> read_device_rules(std::vector<OciReader> objects, const std::vector<Device>& devices) {
  std::vector<DeviceRule> rules;
  for (OciReader& object : objects) {
    rules.push_back(TRY(read_device_rule(object)));
    const DeviceRule& rule = rules.back();
    const bool of_all = rules.size() == 1 && rule.names_everything();
    if (!rule.allow && !of_all)
      return base::unsupported(object.name_of("allow") +
                               ": only what linux.devices gives is there; leave the device out");
  }
  for (const Device& device : devices) {
    const bool given = device.node && device.node->type != Device::Node::Type::kFifo;
    if (given && !is_left_open(device, rules))
      return base::unsupported(
          "linux.resources.devices: /" + device.target +
          " is given by linux.devices, and no rule allows to read and to write it; a device is "
          "given for both or not at all");
  }
  return {};
}

Result<void> read_pids(OciReader& resources, Limits& limits) {
  auto pids = TRY(resources.child("pids"));
  if (!pids) return {};
  std::int64_t limit = 0;
  TRY(pids->read("limit", limit));
  TRY(pids->finish());
  if (limit > 0) limits.pids = static_cast<std::uint64_t>(limit);
  return {};
}

Result<DiskLimits*> read_disk(OciReader& object, BlockIo& block_io) {
  unsigned major = 0;
  unsigned minor = 0;
  TRY(object.read("major", major));
  TRY(object.read("minor", minor));
  for (DiskLimits& disk : block_io.disks) {
    if (disk.major == major && disk.minor == minor) return &disk;
  }
  DiskLimits added;
  added.major = major;
  added.minor = minor;
  block_io.disks.push_back(added);
  return &block_io.disks.back();
}

constexpr char kNoLeaves[] = "a sandbox has no cgroups of its own that its processes compete with";

Result<void> read_rates(OciReader& object, const char* key,
                        std::optional<std::uint64_t> DiskLimits::* rate, BlockIo& block_io) {
  auto items = TRY(object.children(key));
  for (OciReader& item : items) {
    DiskLimits* disk = TRY(read_disk(item, block_io));
    TRY(item.read("rate", disk->*rate));
    if (!(disk->*rate)) return base::invalid(item.name_of("rate") + " is missing");
    TRY(item.finish());
  }
  return {};
}

Result<void> read_block_io(OciReader object, BlockIo& block_io) {
  TRY(object.read("weight", block_io.weight));
  if (block_io.weight == std::uint64_t{0}) block_io.weight.reset();
  TRY(object.refuse("leafWeight", kNoLeaves));
  auto items = TRY(object.children("weightDevice"));
  for (OciReader& item : items) {
    DiskLimits* disk = TRY(read_disk(item, block_io));
    TRY(item.read("weight", disk->weight));
    TRY(item.refuse("leafWeight", kNoLeaves));
    TRY(item.finish());
  }
  TRY(read_rates(object, "throttleReadBpsDevice", &DiskLimits::read_bytes, block_io));
  TRY(read_rates(object, "throttleWriteBpsDevice", &DiskLimits::write_bytes, block_io));
  TRY(read_rates(object, "throttleReadIOPSDevice", &DiskLimits::read_operations, block_io));
  TRY(read_rates(object, "throttleWriteIOPSDevice", &DiskLimits::write_operations, block_io));
  return object.finish();
}

Result<void> read_huge_pages(OciReader& resources, std::vector<HugePageLimit>& limits) {
  auto items = TRY(resources.children("hugepageLimits"));
  for (OciReader& item : items) {
    HugePageLimit limit;
    TRY(item.read("pageSize", limit.page_size));
    TRY(item.read("limit", limit.bytes));
    TRY(item.finish());
    limits.push_back(std::move(limit));
  }
  return {};
}

Result<void> read_network(OciReader object, ControllerLimits& limits) {
  TRY(object.read("classID", limits.network_class));
  auto items = TRY(object.children("priorities"));
  for (OciReader& item : items) {
    std::string name;
    TRY(item.read("name", name));
    TRY(item.read("priority", limits.network_priorities[name]));
    TRY(item.finish());
  }
  return object.finish();
}

Result<void> read_rdma(OciReader& resources, std::vector<RdmaLimit>& limits) {
  auto devices = TRY(resources.child("rdma"));
  if (!devices) return {};
  for (const std::string& name : devices->keys()) {
    RdmaLimit limit;
    limit.device = name;
    auto device = TRY(devices->child(name.c_str()));
    if (!device) continue;
    TRY(device->read("hcaHandles", limit.handles));
    TRY(device->read("hcaObjects", limit.objects));
    TRY(device->finish());
    limits.push_back(std::move(limit));
  }
  return {};
}

// The values that go into the kernel's files are looked at where every spec's are; here the message
// gets the name of the part.
Result<void> check_as(const char* where, const ControllerLimits& limits) {
  const auto checked = check_controllers(limits);
  if (checked.ok()) return {};
  return checked.error().with_context(std::string("linux.resources.") + where);
}

Result<void> read_controllers(OciReader& resources, ControllerLimits& limits) {
  if (auto block_io = TRY(resources.child("blockIO")))
    TRY(read_block_io(std::move(*block_io), limits.block_io));
  TRY(check_as("blockIO", limits));
  TRY(read_huge_pages(resources, limits.huge_pages));
  TRY(check_as("hugepageLimits", limits));
  if (auto network = TRY(resources.child("network")))
    TRY(read_network(std::move(*network), limits));
  TRY(check_as("network", limits));
  TRY(read_rdma(resources, limits.rdma));
  TRY(check_as("rdma", limits));
  TRY(resources.read("unified", limits.unified));
  return check_as("unified", limits);
}

}  // namespace

Result<void> read_resources(OciReader resources, SandboxSpec& spec) {
  Limits& limits = spec.limits;
  if (auto memory = TRY(resources.child("memory"))) TRY(read_memory(std::move(*memory), limits));
  if (auto cpu = TRY(resources.child("cpu"))) TRY(read_cpu(std::move(*cpu), limits));
  TRY(check_as("memory or cpu", limits.controllers));
  TRY(read_pids(resources, limits));
  auto rules = TRY(resources.children("devices"));
  TRY(read_device_rules(std::move(rules), spec.devices));
  TRY(read_controllers(resources, limits.controllers));
  return resources.finish();
}

}  // namespace stagebox::sandbox::oci
