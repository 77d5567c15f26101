#include "runtime/test_reports/clean_text.h"

#include <algorithm>

#include "runtime/base/utf8.h"

namespace stagebox::test_reports {
namespace {

constexpr std::string_view kSpace = " \t\n\r";

// The length of "ESC [ parameters letter" (ECMA-48, 5.4), after whatever stands for ESC; 0: none.
std::size_t control_sequence(std::string_view text) {
  if (!text.starts_with('[')) return 0;
  std::size_t at = 1;
  while (at < text.size() && at < 32 && text[at] >= 0x20 && text[at] <= 0x3f) ++at;
  const bool ends = at < text.size() && text[at] >= 0x40 && text[at] <= 0x7e;
  return ends ? at + 1 : 0;
}

// What stands for ESC where a runner wrote a terminal's colours: itself, or what pytest makes of it
// in XML.
std::size_t escape_length(std::string_view text) {
  for (const std::string_view escape : {"\x1b", "#x1B", "&#27;", "&#x1b;", "&#x1B;"}) {
    if (!text.starts_with(escape)) continue;
    const std::size_t sequence = control_sequence(text.substr(escape.size()));
    if (sequence != 0) return escape.size() + sequence;
  }
  return 0;
}

}  // namespace

bool is_clean(std::uint32_t code) {
  if (code < 0x20) return code == '\n' || code == '\t';
  if (code >= 0x7f && code < 0xa0) return false;
  return code != 0xfffe && code != 0xffff && (code < 0xd800 || code > 0xdfff) && code <= 0x10ffff;
}

std::string clean_text(std::string_view bytes) {
  std::string clean;
  clean.reserve(bytes.size());
  while (!bytes.empty()) {
    const char c = bytes.front();
    if (c == '\x1b' || c == '#' || c == '&') {
      if (const std::size_t sequence = escape_length(bytes); sequence != 0) {
        bytes.remove_prefix(sequence);
        continue;
      }
    }
    if (bytes.starts_with("\r\n")) bytes.remove_prefix(1);
    const base::Utf8Character character = base::decode_utf8(bytes);
    if (character.length != 0 && is_clean(character.code))
      clean.append(bytes.substr(0, character.length));
    else
      clean.append(kReplacement);
    bytes.remove_prefix(std::max<std::size_t>(character.length, 1));
  }
  return clean;
}

bool is_blank(std::string_view text) {
  return text.find_first_not_of(kSpace) == std::string_view::npos;
}

std::string one_line(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  std::string line(text.substr(first, text.find_last_not_of(kSpace) - first + 1));
  std::ranges::replace_if(
      line, [](char c) { return kSpace.find(c) != std::string_view::npos; }, ' ');
  return line;
}

std::string first_line(std::string_view text) {
  const std::size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  text.remove_prefix(first);
  return one_line(text.substr(0, text.find('\n')));
}

void BoundedText::append(std::string_view text) {
  if (tail_.empty() && dropped_ == 0 && head_.size() < limit_) {
    const std::size_t taken = std::min(text.size(), limit_ - head_.size());
    head_.append(text.substr(0, taken));
    text.remove_prefix(taken);
  }
  if (text.empty()) return;
  // What is beyond the limit: only its end is of interest.
  if (text.size() > limit_) {
    dropped_ += tail_.size() + text.size() - limit_;
    tail_.clear();
    text.remove_prefix(text.size() - limit_);
  }
  tail_.append(text);
  if (tail_.size() <= 2 * limit_) return;
  dropped_ += tail_.size() - limit_;
  tail_.erase(0, tail_.size() - limit_);
}

std::string BoundedText::str() const {
  if (tail_.empty()) return base::cut_end(head_, limit_);
  const std::string whole = head_ + tail_;  // but for what was dropped between them
  const std::string begin = base::cut_end(whole, half());
  std::size_t from = whole.size() - half();
  while (from < whole.size() && base::continues_character(whole[from])) ++from;
  const std::size_t missing = dropped_ + from - begin.size();
  return begin + "\n[... " + std::to_string(missing) + " bytes ...]\n" + whole.substr(from);
}

void BoundedText::clear() {
  head_.clear();
  tail_.clear();
  dropped_ = 0;
}

}  // namespace stagebox::test_reports
