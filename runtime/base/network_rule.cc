#include "runtime/base/network_rule.h"

#include <algorithm>
#include <optional>

#include "runtime/base/parse_number.h"
#include "runtime/base/printable.h"

namespace stagebox::base {
namespace {

constexpr std::size_t kMaxName = 253;  // RFC 1035, 2.3.4, without the root's dot
constexpr std::size_t kMaxLabel = 63;
constexpr std::string_view kExample =
    "; write HOST:PORT, for example deb.debian.org:443, *.example.com:443 or 10.0.0.0/8:5432";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || c == '-' || c == '_'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_label(std::string_view label) {
  return !label.empty() && label.size() <= kMaxLabel && std::ranges::all_of(label, is_name_char) &&
         label.front() != '-' && label.back() != '-';
}

// inet_aton(3) and with it getaddrinfo(3) read such names as addresses.
bool looks_like_a_number(std::string_view last_label) { return is_digit(last_label.front()); }

std::optional<std::uint16_t> parse_port(std::string_view text) {
  const auto port = parse_number<std::uint16_t>(text);
  return port != std::uint16_t{0} ? port : std::nullopt;
}

std::string bracketed(const IpRange& range) {
  return range.first.is_v4() ? range.text() : "[" + range.text() + "]";
}

Result<std::variant<HostName, IpRange>> parse_host(std::string_view host) {
  using Host = std::variant<HostName, IpRange>;
  const bool in_brackets = host.starts_with('[') && host.ends_with(']');
  const std::string_view bare = in_brackets ? host.substr(1, host.size() - 2) : host;
  if (const auto range = IpRange::parse(bare); range && in_brackets == !range->first.is_v4()) {
    return Host(*range);
  }
  HostName name;
  if (host.starts_with("*.")) {
    name.match = HostName::Match::kSubdomains;
    host.remove_prefix(2);
  }
  name.name = TRY(normal_host_name(host));
  return Host(std::move(name));
}

}  // namespace

Result<std::string> normal_host_name(std::string_view name) {
  std::string normal(name.ends_with('.') ? name.substr(0, name.size() - 1) : name);
  std::ranges::transform(normal, normal.begin(), lower);
  std::string_view rest = normal;
  bool valid = !normal.empty() && normal.size() <= kMaxName;
  while (valid) {
    const std::size_t dot = rest.find('.');
    const std::string_view label = rest.substr(0, dot);
    valid = is_label(label) && (dot != std::string_view::npos || !looks_like_a_number(label));
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (!valid) return invalid(printable(name) + " is neither a host name nor an address");
  return normal;
}

Result<NetworkRule> NetworkRule::parse(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos || text.ends_with(']')) {
    return invalid(printable(text) + " has no port" + std::string(kExample));
  }
  NetworkRule rule;
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) {
    return invalid(printable(text) + ": the port must be a number from 1 to 65535" +
                   std::string(kExample));
  }
  rule.port = *port;
  auto host = parse_host(text.substr(0, colon));
  if (!host.ok()) return invalid(host.error().message + std::string(kExample));
  rule.host = std::move(*host);
  return rule;
}

bool NetworkRule::covers(const NetworkRule& other) const {
  if (port != other.port || host.index() != other.host.index()) return false;
  if (const auto* range = std::get_if<IpRange>(&host)) {
    return range->covers(std::get<IpRange>(other.host));
  }
  const auto& wide = std::get<HostName>(host);
  const auto& narrow = std::get<HostName>(other.host);
  if (wide == narrow) return true;
  return wide.match == HostName::Match::kSubdomains && narrow.name.size() > wide.name.size() + 1 &&
         narrow.name.ends_with("." + wide.name);
}

std::string NetworkRule::text() const {
  std::string text;
  if (const auto* range = std::get_if<IpRange>(&host)) {
    text = bracketed(*range);
  } else {
    const auto& name = std::get<HostName>(host);
    text = (name.match == HostName::Match::kSubdomains ? "*." : "") + name.name;
  }
  return text + ":" + std::to_string(port);
}

}  // namespace stagebox::base
