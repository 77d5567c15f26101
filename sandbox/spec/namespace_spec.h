// What of the kernel a sandbox has for itself: namespaces, which ids it has, and settings of what
// the namespaces hold. As values.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace stagebox::sandbox {

enum class Sharing {
  kOwn,
  kWithHost,     ///< A weakening: the sandbox uses the namespace that Stagebox itself is in.
  kWithSandbox,  ///< Network alone: that of another sandbox, SandboxResources::network_namespace.
  kGiven,        ///< A weakening: one that is there already, of SandboxResources::namespaces.
};

/// User, mount and pid namespaces are always the sandbox's own: without them there is no sandbox.
struct Namespaces {
  Sharing network = Sharing::kOwn;
  Sharing ipc = Sharing::kOwn;
  Sharing uts = Sharing::kOwn;
  Sharing cgroup = Sharing::kOwn;
  Sharing time = Sharing::kOwn;
};

/// Ids [inside, inside + count) are [outside, outside + count) in Stagebox's user namespace.
struct IdRange {
  std::uint32_t inside = 0;
  std::uint32_t outside = 0;
  std::uint32_t count = 0;
};

/// Both must map id 0 of the sandbox, and lead nowhere but into the ids that the sandbox was given
/// (SandboxResources::ids).
struct IdMappings {
  std::vector<IdRange> users;
  std::vector<IdRange> groups;
};

/// What is added to a clock inside (time_namespaces(7)); seconds may be negative.
struct ClockOffset {
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};
struct ClockOffsets {
  ClockOffset monotonic;
  ClockOffset boottime;
};

/// Settings below /proc/sys by their dotted names, such as "net.ipv4.ip_default_ttl". Only those
/// that belong to a namespace of the sandbox's own; others are refused.
using Sysctls = std::map<std::string, std::string>;

}  // namespace stagebox::sandbox
