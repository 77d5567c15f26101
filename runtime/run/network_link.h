// NetworkLink: starts one sandbox together with the way to what its NetworkAccess says, and ends
// that way with it.
#pragma once

#include <optional>

#include "runtime/base/result.h"
#include "runtime/run/network_access.h"
#include "sandbox/network/nat_session.h"
#include "sandbox/network/network_channel.h"
#include "sandbox/network/proxy_server.h"
#include "sandbox/sandbox.h"

namespace stagebox::run {

/// The part of a spec that says so. `access` may be null: nothing but loopback.
base::Result<void> add_network(const NetworkAccess* access, sandbox::SandboxSpec& spec);

class NetworkLink {
 public:
  /// `access` may be null and, like `proxies`, outlives the link. kUnsupported for an allow-list
  /// without `proxies`.
  static base::Result<NetworkLink> make(const NetworkAccess* access,
                                        sandbox::network::ProxyServer* proxies);

  /// `spec` came through add_network. What `access` leads to is there before the command runs.
  base::Result<sandbox::Sandbox> start(sandbox::ForkServer& server,
                                       const sandbox::SandboxSpec& spec,
                                       sandbox::SandboxResources resources);
  /// After the death of the sandbox: the log of its connections is complete.
  void finish();

 private:
  NetworkLink(const NetworkAccess* access, sandbox::network::ProxyServer* proxies)
      : access_(access), proxies_(proxies) {}
  base::Result<void> start_proxy(const sandbox::network::NetworkChannel& channel);

  const NetworkAccess* access_;
  sandbox::network::ProxyServer* proxies_;
  std::optional<sandbox::network::ProxySession> proxy_;
  std::optional<sandbox::network::NatSession> nat_;
};

}  // namespace stagebox::run
