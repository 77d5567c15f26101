#include "images/base/text.h"

#include <cstddef>

namespace stagebox::images {

std::string quote(std::string_view name) {
  constexpr std::size_t kLongest = 200;
  constexpr const char* kHex = "0123456789abcdef";
  std::string text = "\"";
  for (const char letter : name.substr(0, kLongest)) {
    const auto byte = static_cast<unsigned char>(letter);
    // 0x80-0xff pass only printable terminals could mind; C1 controls hide there, so escape all.
    if (byte < 0x20 || byte >= 0x7f || letter == '"' || letter == '\\') {
      text += "\\x";
      text += kHex[byte >> 4U];
      text += kHex[byte & 0xfU];
    } else {
      text += letter;
    }
  }
  return text + (name.size() > kLongest ? "...\"" : "\"");
}

}  // namespace stagebox::images
