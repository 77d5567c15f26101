// Target: where a stage wants to be connected to, as it said it to the proxy.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "runtime/base/ip_address.h"

namespace stagebox::sandbox::network {

struct Target {
  std::variant<std::string, base::IpAddress> host;  ///< A name in its normal form, or an address.
  std::uint16_t port = 0;                           ///< Never 0.

  /// `host` without brackets; nullopt when it is neither a name nor an address.
  static std::optional<Target> make(std::string_view host, std::uint16_t port);
  [[nodiscard]] std::string host_text() const;
};

}  // namespace stagebox::sandbox::network
