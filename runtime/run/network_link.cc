#include "runtime/run/network_link.h"

#include <utility>

#include "runtime/base/files.h"

namespace stagebox::run {
namespace {

using base::Result;
using sandbox::Sandbox;
using sandbox::network::NetworkChannel;

constexpr const char* kResolverFile = "/etc/resolv.conf";
constexpr std::size_t kLargestResolverFile = std::size_t{64} << 10U;

}  // namespace

Result<void> add_network(const NetworkAccess* access, sandbox::SandboxSpec& spec) {
  if (access == nullptr) return {};
  switch (access->kind) {
    case NetworkAccess::Kind::kAllowList:
      spec.proxy = sandbox::ProxyListener{sandbox::network::kProxyPort};
      add_proxy_variables(spec.command.environment);
      break;
    case NetworkAccess::Kind::kNat:
      spec.interface = sandbox::InterfaceFromOutside{sandbox::network::unreachable_through_nat()};
      spec.resolver_file = sandbox::network::nat_resolver_file();
      break;
    case NetworkAccess::Kind::kHost:
      spec.namespaces.network = sandbox::Sharing::kWithHost;
      spec.resolver_file = TRY(base::read_file(kResolverFile, kLargestResolverFile));
      break;
  }
  return {};
}

Result<NetworkLink> NetworkLink::make(const NetworkAccess* access,
                                      sandbox::network::ProxyServer* proxies) {
  if (access != nullptr && access->kind == NetworkAccess::Kind::kAllowList && proxies == nullptr)
    return base::unsupported("a network was asked for, but this command has no proxy");
  return NetworkLink(access, proxies);
}

Result<Sandbox> NetworkLink::start(sandbox::ForkServer& server, const sandbox::SandboxSpec& spec,
                                   sandbox::SandboxResources resources) {
  if (!spec.proxy && !spec.interface) return Sandbox::start(server, spec, std::move(resources));
  NetworkChannel channel = TRY(NetworkChannel::make());
  resources.network_channel = channel.take_sandbox_end();
  // A proxy may come later: a connection waits in its listener. An interface has to be there first.
  if (spec.proxy) {
    Sandbox running = TRY(Sandbox::start(server, spec, std::move(resources)));
    TRY(start_proxy(channel));
    return running;
  }
  Sandbox created = TRY(Sandbox::create(server, spec, std::move(resources)));
  nat_.emplace(TRY(sandbox::network::NatSession::start(channel)));
  TRY(created.start());
  return created;
}

Result<void> NetworkLink::start_proxy(const NetworkChannel& channel) {
  // A command that could not be executed has left its listener all the same.
  const base::UniqueFd listener = TRY(channel.receive("listening socket"));
  proxy_ = TRY(proxies_->start_session(access_->rules, listener.get(), access_->log.get()));
  return {};
}

void NetworkLink::finish() {
  if (proxy_) proxy_->finish();
  nat_.reset();
}

}  // namespace stagebox::run
