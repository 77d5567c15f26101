#include "sandbox/network/target.h"

#include "runtime/base/network_rule.h"

namespace stagebox::sandbox::network {

std::optional<Target> Target::make(std::string_view host, std::uint16_t port) {
  if (port == 0) return std::nullopt;
  if (const auto address = base::IpAddress::parse(host)) return Target{*address, port};
  auto name = base::normal_host_name(host);
  if (!name.ok()) return std::nullopt;
  return Target{std::move(*name), port};
}

std::string Target::host_text() const {
  if (const auto* address = std::get_if<base::IpAddress>(&host)) return address->text();
  return std::get<std::string>(host);
}

}  // namespace stagebox::sandbox::network
