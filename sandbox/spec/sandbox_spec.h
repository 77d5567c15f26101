// SandboxSpec: everything that decides what a sandbox is, as a value. Making one needs no privilege
// and touches nothing; carrying it out is Sandbox's business. Descriptors are referred to by
// position in SandboxResources. It can say what the config.json of an OCI runtime bundle
// says, hooks excepted.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/ip_address.h"
#include "sandbox/spec/limits.h"
#include "sandbox/spec/namespace_spec.h"
#include "sandbox/spec/process_spec.h"
#include "sandbox/spec/root_spec.h"
#include "sandbox/spec/seccomp_program.h"

namespace stagebox::sandbox {

/// A socket that listens on 127.0.0.1 inside and is handed to the supervisor, who may let a proxy
/// accept on it (sandbox/network). The sandbox has no other way out of its network namespace.
struct ProxyListener {
  std::uint16_t port = 0;
};

/// The sandbox's network namespace is handed out to the supervisor, with the user namespace it
/// belongs to, so that an interface can be put into it before the command starts
/// (sandbox/network/nat_session.h).
struct InterfaceFromOutside {
  /// What the interface must not lead to; IPv4 only.
  std::vector<base::IpRange> unreachable;
};

/// Whether others may share the sandbox's network namespace (Sharing::kWithSandbox). It is handed
/// out to the supervisor then, with the user namespace it belongs to, before the command starts.
enum class NetworkOwner { kAlone, kForOthers };

/// The first process (command, user, ...), and the root file system it finds.
struct SandboxSpec : ProcessSpec, RootSpec {
  std::string hostname = "stagebox";  ///< Empty, with a shared uts namespace: the host's.
  std::string domainname;             ///< Of NIS; empty: none.
  /// Where the workspace of the scratch directory is mounted, without a leading slash; empty:
  /// nowhere.
  std::string workspace;
  std::vector<InputMount> inputs;                 ///< Over the workspace and everything else.
  std::optional<ProxyListener> proxy;             ///< Not together with `interface`.
  std::optional<InterfaceFromOutside> interface;  ///< Neither: nothing but loopback.
  NetworkOwner network_owner = NetworkOwner::kAlone;
  Namespaces namespaces;
  std::optional<IdMappings> id_mappings;      ///< None: the ids of SandboxResources, in order.
  std::optional<ClockOffsets> clock_offsets;  ///< None: clocks since boot start at 0.
  Sysctls sysctls;
  std::optional<int> oom_score_adj;               ///< Of every process (proc_pid_oom_score_adj(5)).
  std::shared_ptr<const SeccompProgram> seccomp;  ///< Never null when a sandbox is started.
  Limits limits;
  /// Path of its cgroup, which must not be there yet: below the one of Stagebox, or, with a leading
  /// slash, below the mount point of each hierarchy. Empty: whatever the caller calls it.
  std::string cgroup;
  /// False where the user namespace has a single id: the kernel forbids setgroups there.
  enum class Groups { kSettable, kFixed } groups = Groups::kSettable;
};

}  // namespace stagebox::sandbox
