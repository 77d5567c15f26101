#include <algorithm>

#include "sandbox/oci/oci_parts.h"
#include "sandbox/oci/oci_reader.h"

namespace stagebox::sandbox::oci {
namespace {

using base::Result;

Result<void> read_memory(OciReader object, Limits& limits) {
  std::int64_t limit = -1;
  std::int64_t swap = 0;
  std::int64_t reservation = -1;
  TRY(object.read("limit", limit));
  TRY(object.read("swap", swap));
  TRY(object.read("reservation", reservation));
  if (limit > 0) limits.memory = static_cast<std::uint64_t>(limit);
  if (reservation > 0) limits.memory_reservation = static_cast<std::uint64_t>(reservation);
  // It counts memory too: the same as the limit is no swap, which is what every sandbox has.
  if (swap != 0 && swap != limit)
    return base::unsupported(object.name_of("swap") +
                             ": a sandbox has no swap; leave it out or set it to the limit");
  TRY(object.refuse("kernel", "kernel memory is counted in the limit"));
  TRY(object.refuse("kernelTCP", "kernel memory is counted in the limit"));
  TRY(object.refuse("swappiness", "a sandbox has no swap"));
  TRY(object.refuse("disableOOMKiller", "a sandbox that needs more than its limit is killed"));
  (void)object.raw("useHierarchy");       // always so
  (void)object.raw("checkBeforeUpdate");  // nothing is updated
  return object.finish();
}

Result<void> read_cpu(OciReader object, Limits& limits) {
  std::uint64_t shares = 0;
  std::int64_t quota = -1;
  std::uint64_t period = 100'000;
  TRY(object.read("shares", shares));
  TRY(object.read("quota", quota));
  TRY(object.read("period", period));
  if (period == 0) return base::invalid(object.name_of("period") + " is 0");
  if (quota > 0) limits.cpus = static_cast<double>(quota) / static_cast<double>(period);
  // 1024 shares are everybody's, which we call 100.
  if (shares != 0) limits.cpu_weight = std::clamp<std::uint64_t>(shares * 100 / 1024, 1, 10'000);
  std::string cpus;
  std::string mems;
  TRY(object.read("cpus", cpus));
  TRY(object.read("mems", mems));
  if (!cpus.empty()) limits.cpuset = cpus;
  if (!mems.empty()) limits.cpuset_mems = mems;
  TRY(object.refuse("burst", "unused CPU time cannot be saved up"));
  TRY(object.refuse("realtimeRuntime", "a sandbox has no realtime scheduling"));
  TRY(object.refuse("realtimePeriod", "a sandbox has no realtime scheduling"));
  TRY(object.refuse("idle", "give it few shares instead"));
  return object.finish();
}

// Nodes cannot be made in a user namespace, and none is there but the standard ones and those of
// linux.devices: all others are denied without a rule. So rules that allow change nothing, and one
// that denies everything first is held; one that denies a single device could not be.
Result<void> read_device_rules(std::vector<OciReader> rules) {
  for (std::size_t i = 0; i < rules.size(); ++i) {
    OciReader& rule = rules[i];
    bool allow = false;
    std::string type = "a";
    TRY(rule.read("allow", allow));
    TRY(rule.read("type", type));
    const Json* major = rule.raw("major");
    const Json* minor = rule.raw("minor");
    const bool particular = (type != "a" && !type.empty()) || major != nullptr || minor != nullptr;
    (void)rule.raw("access");
    TRY(rule.finish());
    if (!allow && (i > 0 || particular))
      return base::unsupported(rule.name_of("allow") +
                               ": only what linux.devices gives is there; leave the device out");
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

Result<void> refuse_what_cannot_be_limited(OciReader& resources) {
  TRY(resources.refuse("blockIO", "disk bandwidth is limited for the sandbox's own disk only"));
  TRY(resources.refuse("hugepageLimits", "huge pages cannot be limited"));
  TRY(resources.refuse("network", "packets of a sandbox have no class"));
  TRY(resources.refuse("rdma", "a sandbox has no RDMA device"));
  TRY(resources.refuse("unified", "only limits that are known by name are set"));
  return {};
}

}  // namespace

Result<void> read_resources(OciReader resources, Limits& limits) {
  if (auto memory = TRY(resources.child("memory"))) TRY(read_memory(std::move(*memory), limits));
  if (auto cpu = TRY(resources.child("cpu"))) TRY(read_cpu(std::move(*cpu), limits));
  TRY(read_pids(resources, limits));
  auto rules = TRY(resources.children("devices"));
  TRY(read_device_rules(std::move(rules)));
  TRY(refuse_what_cannot_be_limited(resources));
  return resources.finish();
}

}  // namespace stagebox::sandbox::oci
