// Bytes that are looked at as text. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace stagebox::base {

/// The same bytes, which outlive it.
inline std::string_view text_of(std::span<const std::byte> bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// How many bytes there are before the first `byte`; all where there is none. By vectors: GCC 12
/// makes a loop of bytes of std::ranges::find.
inline std::size_t length_before(std::span<const std::uint8_t> bytes, std::uint8_t byte) {
  if (bytes.empty()) return 0;
  const void* const found = std::memchr(bytes.data(), byte, bytes.size());
  if (found == nullptr) return bytes.size();
  return static_cast<std::size_t>(static_cast<const std::uint8_t*>(found) - bytes.data());
}

}  // namespace stagebox::base
