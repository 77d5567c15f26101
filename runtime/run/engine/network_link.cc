#include "runtime/run/engine/network_link.h"

#include <utility>

#include "runtime/base/files.h"

namespace stagebox::run {
namespace {

using base::Result;
using sandbox::Sandbox;
using sandbox::network::NetworkChannel;

constexpr const char* kResolverFile = "/etc/resolv.conf";
constexpr std::size_t kLargestResolverFile = std::size_t{64} << 10U;

// What programs find inside that tells them how to use it.
Result<void> add_directions(NetworkAccess::Kind kind, const std::vector<base::NetworkRule>& rules,
                            sandbox::SandboxSpec& spec) {
  switch (kind) {
    case NetworkAccess::Kind::kAllowList:
      add_proxy_variables(rules, spec.host_names, spec.command.environment);
      break;
    case NetworkAccess::Kind::kNat:
      spec.resolver_file = sandbox::network::nat_resolver_file();
      break;
    case NetworkAccess::Kind::kHost:
      spec.resolver_file = TRY(base::read_file(kResolverFile, kLargestResolverFile));
      break;
  }
  return {};
}

}  // namespace

Result<void> add_network(const NetworkAccess* access, sandbox::SandboxSpec& spec) {
  if (access == nullptr) return {};
  switch (access->kind) {
    case NetworkAccess::Kind::kAllowList:
      spec.proxy = sandbox::ProxyListener{sandbox::network::kProxyPort};
      break;
    case NetworkAccess::Kind::kNat:
      spec.interface =
          sandbox::InterfaceFromOutside{TRY(sandbox::network::unreachable_through_nat())};
      break;
    case NetworkAccess::Kind::kHost:
      spec.namespaces.network = sandbox::Sharing::kWithHost;
      break;
  }
  return add_directions(access->kind, access->rules, spec);
}

Result<void> add_shared_network(const SharedNetwork& network, sandbox::SandboxSpec& spec) {
  const bool host = network.kind == NetworkAccess::Kind::kHost;
  spec.namespaces.network = host ? sandbox::Sharing::kWithHost : sandbox::Sharing::kWithSandbox;
  return network.kind ? add_directions(*network.kind, network.rules, spec) : Result<void>();
}

Result<NetworkLink> NetworkLink::make(const NetworkAccess* access,
                                      sandbox::network::ProxyServer* proxies) {
  if (access != nullptr && access->kind == NetworkAccess::Kind::kAllowList && proxies == nullptr)
    return base::unsupported("a network was asked for, but this command has no proxy");
  return NetworkLink(access, proxies);
}

Result<Sandbox> NetworkLink::start(sandbox::ForkServer& server, const sandbox::SandboxSpec& spec,
                                   sandbox::SandboxResources resources,
                                   const BeforeStart& before_start) {
  if (spec.interface || before_start)
    return start_in_steps(server, spec, std::move(resources), before_start);
  if (!spec.proxy) return Sandbox::start(server, spec, std::move(resources));
  NetworkChannel channel = TRY(NetworkChannel::make());
  resources.network_channel = channel.take_sandbox_end();
  // A proxy may come later: a connection waits in its listener. An interface has to be there first.
  Sandbox running = TRY(Sandbox::start(server, spec, std::move(resources)));
  TRY(start_proxy(channel));
  return running;
}

Result<Sandbox> NetworkLink::start_in_steps(sandbox::ForkServer& server,
                                            const sandbox::SandboxSpec& spec,
                                            sandbox::SandboxResources resources,
                                            const BeforeStart& before_start) {
  NetworkChannel channel = TRY(NetworkChannel::make());
  resources.network_channel = channel.take_sandbox_end();
  Sandbox created = TRY(Sandbox::create(server, spec, std::move(resources)));
  sandbox::network::HandedOutNamespaces namespaces;
  if (spec.interface || spec.network_owner == sandbox::NetworkOwner::kForOthers)
    namespaces = TRY(channel.receive_namespaces());
  if (spec.interface) nat_.emplace(TRY(sandbox::network::NatSession::start(namespaces)));
  if (spec.proxy) TRY(start_proxy(channel));
  if (before_start) TRY(before_start(namespaces.network.get()));
  TRY(created.start());
  return created;
}

Result<void> NetworkLink::start_proxy(const NetworkChannel& channel) {
  // A command that could not be executed has left its listener all the same.
  const base::UniqueFd listener = TRY(channel.receive("listening socket"));
  proxy_ = TRY(proxies_->start_session(access_->rules, listener.get(), access_->log.get()));
  return {};
}

std::optional<std::uint64_t> NetworkLink::finish() {
  nat_.reset();
  return proxy_ ? proxy_->finish() : std::optional<std::uint64_t>(0);
}

}  // namespace stagebox::run
