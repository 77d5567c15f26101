#include "runtime/base/ip_address.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>

#include "runtime/base/parse_number.h"

namespace stagebox::base {
namespace {

constexpr std::size_t kV4Offset = 12;
constexpr unsigned kV4PrefixBits = 96;
constexpr std::array<std::uint8_t, kV4Offset> kV4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// The IANA special-purpose registries for IPv4 and IPv6. What is in none of them is public.
constexpr std::array kSpecialV4 = {
    "0.0.0.0/8",     "10.0.0.0/8",      "100.64.0.0/10",  "127.0.0.0/8",    "169.254.0.0/16",
    "172.16.0.0/12", "192.0.0.0/24",    "192.0.2.0/24",   "192.88.99.0/24", "192.168.0.0/16",
    "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",    "240.0.0.0/4"};
// Global unicast is 2000::/3; of it these are special.
constexpr const char* kGlobalUnicast = "2000::/3";
constexpr std::array kSpecialV6 = {"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"};

bool is_within(const IpRange& inner, const IpRange& outer) {
  return inner.prefix >= outer.prefix && outer.contains(inner.first);
}

template <std::size_t N>
bool is_within_any(const IpRange& range, const std::array<const char*, N>& blocks) {
  return std::ranges::any_of(blocks, [&](const char* block) {
    const auto parsed = IpRange::parse(block);
    return parsed && is_within(range, *parsed);
  });
}

bool bit(const IpAddress& address, unsigned index) {
  return (static_cast<unsigned>(address.bytes.at(index / 8)) >> (7U - index % 8) & 1U) != 0;
}

}  // namespace

IpAddress IpAddress::from_v4(const std::uint8_t* four) {
  IpAddress address;
  std::ranges::copy(kV4Prefix, address.bytes.begin());
  std::copy_n(four, 4, address.bytes.begin() + kV4Offset);
  return address;
}

IpAddress IpAddress::from_v6(const std::uint8_t* sixteen) {
  IpAddress address;
  std::copy_n(sixteen, kBytes, address.bytes.begin());
  return address;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
  // inet_pton wants a terminator; no address is longer than this.
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.empty() || text.size() >= copy.size() || text.find('\0') != std::string_view::npos) {
    return std::nullopt;
  }
  std::ranges::copy(text, copy.begin());
  std::array<std::uint8_t, kBytes> bytes{};
  if (::inet_pton(AF_INET, copy.data(), bytes.data()) == 1) return from_v4(bytes.data());
  if (::inet_pton(AF_INET6, copy.data(), bytes.data()) == 1) return from_v6(bytes.data());
  return std::nullopt;
}

bool IpAddress::is_v4() const {
  return std::equal(kV4Prefix.begin(), kV4Prefix.end(), bytes.begin());
}

std::string IpAddress::text() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  const bool v4 = is_v4();
  const void* from = v4 ? bytes.data() + kV4Offset : bytes.data();
  const char* text = ::inet_ntop(v4 ? AF_INET : AF_INET6, from, buffer.data(), buffer.size());
  return text == nullptr ? "" : text;
}

bool IpAddress::is_public() const { return !IpRange{*this}.is_special(); }

std::optional<IpRange> IpRange::parse(std::string_view text) {
  const std::size_t slash = text.find('/');
  const auto address = IpAddress::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  IpRange range{*address, 128};
  if (slash == std::string_view::npos) return range;
  const std::string_view digits = text.substr(slash + 1);
  const auto bits = parse_number<unsigned>(digits);
  if (!bits || *bits > (address->is_v4() ? 32U : 128U)) return std::nullopt;
  range.prefix = address->is_v4() ? *bits + kV4PrefixBits : *bits;
  for (unsigned index = range.prefix; index < 128; ++index) {
    if (bit(*address, index)) return std::nullopt;
  }
  return range;
}

bool IpRange::contains(const IpAddress& address) const {
  for (unsigned index = 0; index < prefix; ++index) {
    if (bit(address, index) != bit(first, index)) return false;
  }
  return true;
}

bool IpRange::is_special() const {
  if (first.is_v4() && prefix >= kV4PrefixBits) return is_within_any(*this, kSpecialV4);
  // All of IPv4 is within IPv6 here.
  const IpRange unicast = IpRange::parse(kGlobalUnicast).value();
  const bool has_public = contains(unicast.first) || contains(IpRange::parse("0.0.0.0/0")->first);
  if (!has_public && !unicast.contains(first)) return true;
  return is_within_any(*this, kSpecialV6);
}

bool IpRange::means(const IpAddress& address) const {
  return contains(address) && (address.is_public() || is_special());
}

bool IpRange::covers(const IpRange& other) const {
  return is_within(other, *this) && (is_special() || !other.is_special());
}

std::string IpRange::text() const {
  if (prefix == 128) return first.text();
  const unsigned bits = first.is_v4() ? prefix - kV4PrefixBits : prefix;
  return first.text() + "/" + std::to_string(bits);
}

std::vector<IpRange> special_v4_ranges() {
  std::vector<IpRange> ranges;
  for (const char* text : kSpecialV4) {
    if (auto range = IpRange::parse(text)) ranges.push_back(*range);
  }
  return ranges;
}

}  // namespace stagebox::base
