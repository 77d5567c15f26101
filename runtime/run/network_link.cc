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
  if (spec.proxy) return start_with_proxy(server, spec, std::move(resources));
  if (spec.interface) return start_with_interface(server, spec, std::move(resources));
  return Sandbox::start(server, spec, std::move(resources));
}

// The listener is there before the command runs; a connection waits in it until the proxy accepts.
Result<Sandbox> NetworkLink::start_with_proxy(sandbox::ForkServer& server,
                                              const sandbox::SandboxSpec& spec,
                                              sandbox::SandboxResources resources) {
  NetworkChannel channel = TRY(NetworkChannel::make());
  resources.network_channel = channel.take_sandbox_end();
  Sandbox running = TRY(Sandbox::start(server, spec, std::move(resources)));
  // A command that could not be executed has left its listener all the same.
  const base::UniqueFd listener = TRY(channel.receive("listening socket"));
  proxy_ = TRY(proxies_->start_session(access_->rules, listener.get(), access_->log.get()));
  return running;
}

Result<Sandbox> NetworkLink::start_with_interface(sandbox::ForkServer& server,
                                                  const sandbox::SandboxSpec& spec,
                                                  sandbox::SandboxResources resources) {
  NetworkChannel channel = TRY(NetworkChannel::make());
  resources.network_channel = channel.take_sandbox_end();
  Sandbox created = TRY(Sandbox::create(server, spec, std::move(resources)));
  nat_.emplace(TRY(sandbox::network::NatSession::start(channel)));
  TRY(created.start());
  return created;
}

void NetworkLink::finish() {
  if (proxy_) proxy_->finish();
  nat_.reset();
}

}  // namespace stagebox::run
