#include "sandbox/network/allow_list.h"

#include <algorithm>
#include <iterator>

namespace stagebox::sandbox::network {
namespace {

using base::HostName;
using base::IpAddress;
using base::IpRange;
using base::NetworkRule;

bool names_host(const NetworkRule& rule, const std::string& name) {
  const auto* host = std::get_if<HostName>(&rule.host);
  if (host == nullptr) return false;
  if (host->match == HostName::Match::kExact) return name == host->name;
  return name.size() > host->name.size() + 1 && name.ends_with("." + host->name);
}

}  // namespace

bool AllowList::names_address(const IpAddress& address, std::uint16_t port) const {
  return std::ranges::any_of(rules_, [&](const NetworkRule& rule) {
    const auto* range = std::get_if<IpRange>(&rule.host);
    return range != nullptr && rule.port == port && range->means(address);
  });
}

bool AllowList::names(const Target& target) const {
  if (const auto* address = std::get_if<IpAddress>(&target.host))
    return names_address(*address, target.port);
  const auto& name = std::get<std::string>(target.host);
  return std::ranges::any_of(rules_, [&](const NetworkRule& rule) {
    return rule.port == target.port && names_host(rule, name);
  });
}

std::vector<IpAddress> AllowList::usable(std::span<const IpAddress> addresses, std::uint16_t port,
                                         std::span<const IpAddress> own) const {
  std::vector<IpAddress> found;
  std::ranges::copy_if(addresses, std::back_inserter(found), [&](const IpAddress& address) {
    const bool elsewhere = address.is_public() && std::ranges::find(own, address) == own.end();
    return elsewhere || names_address(address, port);
  });
  return found;
}

}  // namespace stagebox::sandbox::network
