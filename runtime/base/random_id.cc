#include "runtime/base/random_id.h"

#include <sys/random.h>

#include <array>
#include <cstdint>

namespace stagebox::base {

namespace {

constexpr std::string_view kHex = "0123456789abcdef";

}  // namespace

Result<std::string> random_hex(std::size_t chars) {
  std::array<std::uint8_t, 64> bytes{};
  if (chars > bytes.size()) return invalid("a random name has at most 64 characters");
  // At most 256 bytes are never interrupted and never short once the pool is ready (getrandom(2)).
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return errno_error("get random bytes from the kernel");
  }
  std::string text(chars, '0');
  for (std::size_t i = 0; i < chars; ++i) text[i] = kHex[bytes[i] & 15U];
  return text;
}

bool is_random_hex(std::string_view text, std::size_t chars) {
  return text.size() == chars && text.find_first_not_of(kHex) == std::string_view::npos;
}

}  // namespace stagebox::base
