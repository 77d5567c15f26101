// AllowList: decides which connections a stage may make to the outside. Pure: names are resolved
// elsewhere, between the two questions it answers.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/network_rule.h"
#include "sandbox/network/target.h"

namespace stagebox::sandbox::network {

class AllowList {
 public:
  explicit AllowList(std::vector<base::NetworkRule> rules) : rules_(std::move(rules)) {}

  /// Whether a rule names the target's host and port: for a name, before it is resolved (so that no
  /// name but a listed one ever reaches a resolver: a query is a message too); for an address, at
  /// once and finally.
  [[nodiscard]] bool names(const Target& target) const;

  /// Which of the addresses that a listed name has may be connected to, in their order: public
  /// ones that are not this machine's `own`, and others only when a rule names them as addresses
  /// with this port. So a name that somebody else controls cannot be pointed at this machine or its
  /// neighbours (DNS rebinding).
  [[nodiscard]] std::vector<base::IpAddress> usable(std::span<const base::IpAddress> addresses,
                                                    std::uint16_t port,
                                                    std::span<const base::IpAddress> own) const;

 private:
  [[nodiscard]] bool names_address(const base::IpAddress& address, std::uint16_t port) const;

  std::vector<base::NetworkRule> rules_;
};

}  // namespace stagebox::sandbox::network
