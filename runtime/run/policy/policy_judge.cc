#include "runtime/run/policy/policy_judge.h"

#include <algorithm>
#include <sstream>

#include "runtime/base/capabilities.h"
#include "runtime/base/joined.h"
#include "runtime/base/units.h"
#include "scheduler/diagnostics.h"

namespace stagebox::run {
namespace {

using Sentences = std::vector<std::string>;
using scheduler::backquoted;

bool is_below(const std::string& path, const std::string& directory) {
  if (path == directory || directory == "/") return true;
  return path.starts_with(directory) && path[directory.size()] == '/';
}

std::string shown(double number) {
  std::ostringstream text;
  text << number;
  return text.str();
}

struct Judge {
  const Asked& asked;

  Sentences operator()(const PermittedNetworks& permitted) const {
    const NetworkMode mode = asked.network.mode;
    if (permitted.modes.contains(mode)) return {};
    return {mode == NetworkMode::kAllow ? "a network with `allow`"
                                        : "`network: " + std::string(to_string(mode)) + "`"};
  }

  Sentences operator()(const PermittedReach& permitted) const {
    Sentences refused;
    for (const base::NetworkRule& wanted : asked.network.allow) {
      const bool fine = std::ranges::any_of(
          permitted.rules, [&](const base::NetworkRule& rule) { return rule.covers(wanted); });
      if (!fine) refused.push_back("to reach " + backquoted(wanted.text()));
    }
    return refused;
  }

  Sentences operator()(const PermittedHostPaths& permitted) const {
    Sentences refused;
    for (const std::string& path : asked.host_paths) {
      const bool fine = std::ranges::any_of(
          permitted.below, [&](const std::string& directory) { return is_below(path, directory); });
      if (!fine) refused.push_back("the host's path " + backquoted(path));
    }
    return refused;
  }

  Sentences operator()(const PermittedProfiles& permitted) const {
    if (asked.seccomp_profile.empty() || permitted.files.contains(asked.seccomp_profile)) return {};
    return {"the seccomp profile " + backquoted(asked.seccomp_profile)};
  }

  Sentences operator()(const PermittedCapabilities& permitted) const {
    const auto refused = base::capability_names(asked.capabilities & ~permitted.bits);
    if (refused.empty()) return {};
    return {(refused.size() == 1 ? "the capability " : "to have the capabilities ") +
            base::joined(refused, ", ")};
  }

  Sentences operator()(const PermittedSecrets& permitted) const {
    Sentences refused;
    for (const std::string& name : asked.secrets) {
      if (!permitted.names.contains(name)) refused.push_back("the secret " + backquoted(name));
    }
    return refused;
  }

  Sentences operator()(const PermittedImages& permitted) const {
    const std::string image = "the image " + backquoted(asked.image);
    if (!asked.pin) return {image + ", which is not pinned by a `digest`,"};
    if (permitted.digests.empty() || permitted.digests.contains(*asked.pin)) return {};
    return {image + " with the digest " + asked.pin->oci()};
  }

  Sentences operator()(const PermittedCaches& permitted) const {
    if (!asked.has_caches) return {};
    if (permitted.access == CacheAccess::kNone) return {"to have `caches`"};
    const auto& most = permitted.max_size;
    if (!most || !asked.cache_size || *asked.cache_size <= *most) return {};
    return {"`max_size` of a cache of " + base::format_bytes(*asked.cache_size) + ", more than " +
            base::format_bytes(*most) + ","};
  }

  Sentences operator()(const Ceilings& ceilings) const {
    Sentences refused;
    const auto refuse = [&refused](const std::string& name, const std::string& wanted,
                                   const std::string& most) {
      refused.push_back("`" + name + "` of " + wanted + ", more than " + most + ",");
    };
    for (const CountedLimit& counted : kCountedLimits) {
      const auto& wanted = asked.limits.*counted.limit;
      const auto& most = ceilings.limits.*counted.limit;
      if (!wanted || !most || *wanted <= *most) continue;
      const bool bytes = counted.unit == CountedLimit::Unit::kBytes;
      const auto text =
          bytes ? base::format_bytes : [](std::uint64_t n) { return std::to_string(n); };
      refuse(counted.name, text(*wanted), text(*most));
    }
    const auto& most = ceilings.limits;
    if (asked.limits.cpus && most.cpus && *asked.limits.cpus > *most.cpus)
      refuse("cpus", shown(*asked.limits.cpus), shown(*most.cpus));
    if (asked.limits.cpu_time && most.cpu_time && *asked.limits.cpu_time > *most.cpu_time)
      refuse("cpu_time", base::format_duration(*asked.limits.cpu_time),
             base::format_duration(*most.cpu_time));
    if (asked.timeout && ceilings.timeout && *asked.timeout > *ceilings.timeout)
      refuse("timeout", base::format_duration(*asked.timeout),
             base::format_duration(*ceilings.timeout));
    return refused;
  }
};

}  // namespace

std::vector<std::string> judge(const Asked& asked, const PolicyRule& rule) {
  return std::visit(Judge{asked}, rule.terms);
}

}  // namespace stagebox::run
