// Words in a row, for messages. Pure.
#pragma once

#include <string>
#include <string_view>

namespace stagebox::base {

/// Of a container of texts. Empty ones at the front leave nothing.
template <typename Words>
std::string joined(const Words& words, std::string_view separator) {
  std::string text;
  for (const std::string& word : words) {
    if (!text.empty()) text += separator;
    text += word;
  }
  return text;
}

}  // namespace stagebox::base
