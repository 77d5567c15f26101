#include "runtime/run/engine/network_access.h"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>

#include "runtime/base/joined.h"
#include "sandbox/network/proxy_server.h"

namespace stagebox::run {
namespace {

bool is_host_named(const std::string& host, const std::vector<base::NetworkRule>& rules) {
  const auto address = base::IpAddress::parse(host);
  return std::ranges::any_of(rules, [&](const base::NetworkRule& rule) {
    if (const auto* range = std::get_if<base::IpRange>(&rule.host))
      return address && range->means(*address);
    return std::get<base::HostName>(rule.host) == base::HostName{host};
  });
}

// The sandbox's own, which no proxy leads to; but for those that a rule means outside of it. And
// its services.
std::string reached_directly(const std::vector<base::NetworkRule>& rules,
                             const std::vector<std::string>& services) {
  std::vector<std::string> hosts{"localhost", "127.0.0.1", "::1"};
  std::erase_if(hosts, [&](const std::string& host) { return is_host_named(host, rules); });
  hosts.insert(hosts.end(), services.begin(), services.end());
  return base::joined(hosts, ",");
}

}  // namespace

std::optional<NetworkAccess::Kind> network_kind(const scheduler::Network& network) {
  switch (network.mode) {
    case scheduler::Network::Mode::kNone:
      break;
    case scheduler::Network::Mode::kNat:
      return NetworkAccess::Kind::kNat;
    case scheduler::Network::Mode::kHost:
      return NetworkAccess::Kind::kHost;
    case scheduler::Network::Mode::kAllow:
      return NetworkAccess::Kind::kAllowList;
  }
  return std::nullopt;
}

base::Result<NetworkAccess> make_network_access(
    const scheduler::Network& network,
    const std::function<base::Result<base::UniqueFd>()>& open_log) {
  const auto kind = network_kind(network);
  if (!kind) return base::invalid("no network was asked for");
  NetworkAccess access;
  access.kind = *kind;
  if (access.kind != NetworkAccess::Kind::kAllowList) return access;
  access.rules = network.allow;
  access.log = TRY(open_log());
  return access;
}

base::Result<base::UniqueFd> memory_log() {
  base::UniqueFd log(::memfd_create("connections", MFD_CLOEXEC));
  if (!log) return base::errno_error("create a memory file");
  if (::fcntl(log.get(), F_SETFL, O_APPEND) != 0) return base::errno_error("open a memory file");
  return log;
}

void add_proxy_variables(const std::vector<base::NetworkRule>& rules,
                         const std::vector<std::string>& services,
                         std::map<std::string, std::string>& environment) {
  const std::string proxy = "http://127.0.0.1:" + std::to_string(sandbox::network::kProxyPort);
  for (const char* name : {"http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"})
    environment.try_emplace(name, proxy);
  const std::string direct = reached_directly(rules, services);
  if (direct.empty()) return;
  for (const char* name : {"no_proxy", "NO_PROXY"}) environment.try_emplace(name, direct);
}

}  // namespace stagebox::run
