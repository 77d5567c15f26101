#include "runtime/markdown/markup.h"

#include <algorithm>
#include <cctype>

namespace stagebox::markdown {
namespace {

bool begins_with(std::string_view text, std::string_view prefix) {
  const auto same = [](unsigned char a, unsigned char b) { return std::tolower(a) == b; };
  return text.size() >= prefix.size() &&
         std::ranges::equal(text.substr(0, prefix.size()), prefix, same);
}

}  // namespace

bool has_end(Markup markup) { return markup >= Markup::kParagraph; }

bool is_link(std::string_view url) {
  const auto is_blank = [](unsigned char c) { return c <= 0x20 || c == 0x7f; };
  if (std::ranges::any_of(url, is_blank)) return false;
  return begins_with(url, "http://") || begins_with(url, "https://") || begins_with(url, "mailto:");
}

}  // namespace stagebox::markdown
