// Bytes that are looked at as text. Pure.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace stagebox::base {

/// The same bytes, which outlive it.
inline std::string_view text_of(std::span<const std::byte> bytes) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace stagebox::base
