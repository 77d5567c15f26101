// IpAddress: an IPv4 or IPv6 address as a value, and which part of the network it belongs to. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace stagebox::base {

/// IPv4 addresses are kept as IPv4-mapped IPv6 addresses (RFC 4291, 2.5.5.2), so that
/// "::ffff:10.0.0.1" and "10.0.0.1" are the same address and cannot be judged differently.
struct IpAddress {
  static constexpr std::size_t kBytes = 16;
  std::array<std::uint8_t, kBytes> bytes{};  ///< Network order.

  /// Dotted IPv4 or IPv6 without brackets and without a zone; nullopt for everything else, numbers
  /// such as "127.1" and "0x7f000001" included.
  static std::optional<IpAddress> parse(std::string_view text);
  static IpAddress from_v4(const std::uint8_t* four);
  static IpAddress from_v6(const std::uint8_t* sixteen);

  [[nodiscard]] bool is_v4() const;
  /// As people write it: "10.0.0.1", "2001:db8::1".
  [[nodiscard]] std::string text() const;
  /// False for every block that the IANA special-purpose registries (RFC 6890 and its updates) do
  /// not call globally reachable: this host, private, carrier-grade NAT, link-local (cloud metadata
  /// lives there), multicast, reserved; and for IPv6 addresses that carry an IPv4 address in them
  /// (NAT64, 6to4, Teredo, IPv4-compatible), whichever one that is.
  [[nodiscard]] bool is_public() const;

  bool operator==(const IpAddress&) const = default;
};

/// All addresses whose first `prefix` bits are those of `first`.
struct IpRange {
  IpAddress first;
  unsigned prefix = 128;  ///< Bits, counted in the IPv6 form: "10.0.0.0/8" has 104.

  /// "ADDRESS" or "ADDRESS/BITS"; bits behind the prefix must be zero, as a sign that the writer
  /// meant what they wrote.
  static std::optional<IpRange> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& address) const;
  /// No address of it is public, all of them in one block.
  [[nodiscard]] bool is_special() const;
  /// Whether it means the address, as somebody's words: a range with public addresses means these
  /// alone, so that "0.0.0.0/0" does not open the way to private networks and metadata services.
  [[nodiscard]] bool means(const IpAddress& address) const;
  /// Whether it means all that `other` means.
  [[nodiscard]] bool covers(const IpRange& other) const;
  [[nodiscard]] std::string text() const;

  bool operator==(const IpRange&) const = default;
};

/// The IPv4 blocks that are not public.
std::vector<IpRange> special_v4_ranges();

}  // namespace stagebox::base
