// Numbers as they stand in files: little-endian, at any address.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace stagebox::logs {

/// `bytes` has room for it from `at` on.
template <typename Number>
void put_number(std::span<std::byte> bytes, std::size_t at, Number number) {
  const auto value = static_cast<std::uint64_t>(number);
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    bytes[at + i] = static_cast<std::byte>(value >> (8 * i));
}

template <typename Number>
Number get_number(std::span<const std::byte> bytes, std::size_t at) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < sizeof(Number); ++i)
    value |= std::to_integer<std::uint64_t>(bytes[at + i]) << (8 * i);
  return static_cast<Number>(value);
}

}  // namespace stagebox::logs
