// NetworkLink: starts one sandbox together with the way to what its NetworkAccess says, and ends
// that way with it.
#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/run/engine/network_access.h"
#include "sandbox/network/nat_session.h"
#include "sandbox/network/network_channel.h"
#include "sandbox/network/proxy_server.h"
#include "sandbox/sandbox.h"

namespace stagebox::run {

/// The part of a spec that says so. `access` may be null: nothing but loopback.
base::Result<void> add_network(const NetworkAccess* access, sandbox::SandboxSpec& spec);

/// The network of another sandbox, for one that is in it too.
struct SharedNetwork {
  std::optional<NetworkAccess::Kind> kind;  ///< What the other one has; none: nothing but loopback.
  std::vector<base::NetworkRule> rules;     ///< kAllowList: the other one's.
  base::UniqueFd network_namespace;         ///< kHost: none.
};
base::Result<void> add_shared_network(const SharedNetwork& network, sandbox::SandboxSpec& spec);

/// Called when a sandbox is complete, with its network, and its command has not started. The
/// descriptor is its network namespace, -1 for the machine's. With an Error it does not start.
using BeforeStart = std::function<base::Result<void>(int network_namespace)>;

class NetworkLink {
 public:
  /// `access` may be null and, like `proxies`, outlives the link. kUnsupported for an allow-list
  /// without `proxies`.
  static base::Result<NetworkLink> make(const NetworkAccess* access,
                                        sandbox::network::ProxyServer* proxies);

  /// `spec` came through add_network. What `access` leads to is there before the command runs.
  /// `before_start` may be empty; else the spec says NetworkOwner::kForOthers, or has the machine's
  /// network.
  base::Result<sandbox::Sandbox> start(sandbox::ForkServer& server,
                                       const sandbox::SandboxSpec& spec,
                                       sandbox::SandboxResources resources,
                                       const BeforeStart& before_start);
  /// After the death of the sandbox: the log of its connections is complete. What is missing in it,
  /// as ProxySession::finish() says; nothing where there is no log.
  std::optional<std::uint64_t> finish();

 private:
  NetworkLink(const NetworkAccess* access, sandbox::network::ProxyServer* proxies)
      : access_(access), proxies_(proxies) {}
  base::Result<sandbox::Sandbox> start_in_steps(sandbox::ForkServer& server,
                                                const sandbox::SandboxSpec& spec,
                                                sandbox::SandboxResources resources,
                                                const BeforeStart& before_start);
  base::Result<void> start_proxy(const sandbox::network::NetworkChannel& channel);

  const NetworkAccess* access_;
  sandbox::network::ProxyServer* proxies_;
  std::optional<sandbox::network::ProxySession> proxy_;
  std::optional<sandbox::network::NatSession> nat_;
};

}  // namespace stagebox::run
