// NetworkRule: one entry of a network allow-list, "HOST:PORT". Pure grammar, shared by whoever
// reads an allow-list (pipeline file, command line) and whoever enforces it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "runtime/base/ip_address.h"
#include "runtime/base/result.h"

namespace stagebox::base {

/// A host name in lower case without a trailing dot (RFC 1123, 2.1).
struct HostName {
  std::string name;
  enum class Match {
    kExact,
    kSubdomains,  ///< "*.NAME": every name below NAME, not NAME itself.
  } match = Match::kExact;

  bool operator==(const HostName&) const = default;
};

struct NetworkRule {
  std::variant<HostName, IpRange> host;
  std::uint16_t port = 0;  ///< Never 0.

  /// "deb.debian.org:443", "*.pypi.org:443", "10.1.2.3:5432", "10.0.0.0/8:80", "[2001:db8::1]:80".
  /// kInvalid says what is wrong and what was expected. Names that are numbers in disguise
  /// ("127.1", "0x7f.1", "2130706433") are refused: resolvers take them for addresses.
  static Result<NetworkRule> parse(std::string_view text);
  /// In the one normal form: equal rules have equal texts.
  [[nodiscard]] std::string text() const;
  /// Whether everything that `other` names is named by this one too.
  [[nodiscard]] bool covers(const NetworkRule& other) const;

  bool operator==(const NetworkRule&) const = default;
};

/// The name in its normal form; kInvalid when it cannot be a host's.
Result<std::string> normal_host_name(std::string_view name);

}  // namespace stagebox::base
