#include "runtime/test_reports/tap_line.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace stagebox::test_reports {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

// Upper and lower case are the same in TAP's words.
bool take_word(std::string_view& text, std::string_view upper) {
  if (text.size() < upper.size()) return false;
  const bool same = std::equal(upper.begin(), upper.end(), text.begin(), [](char a, char b) {
    return a == static_cast<char>(std::toupper(static_cast<unsigned char>(b)));
  });
  if (same) text.remove_prefix(upper.size());
  return same;
}

std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

// The first "#" that stands after a space and is not escaped; TAP 14 escapes with a backslash.
std::size_t find_directive(std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      ++i;
    } else if (text[i] == '#' && (i == 0 || is_space(text[i - 1]))) {
      return i;
    }
  }
  return std::string_view::npos;
}

std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool escape =
        text[i] == '\\' && i + 1 < text.size() && (text[i + 1] == '#' || text[i + 1] == '\\');
    if (escape) ++i;
    plain.push_back(text[i]);
  }
  return plain;
}

void read_directive(std::string_view text, TapLine& line) {
  text = trimmed(text);
  if (take_word(text, "SKIP")) {
    // "skipped" is common.
    (void)(take_word(text, "PED") || take_word(text, "PING"));
    line.directive = TapLine::Directive::kSkip;
  } else if (take_word(text, "TODO")) {
    line.directive = TapLine::Directive::kTodo;
  } else {
    return;
  }
  (void)take(text, ":");
  line.reason = trimmed(text);
}

// "time=12.5ms", which node-tap, the kernel's selftests and others write where a directive stands,
// maybe before the "{" of a buffered subtest. It is another one each time, and no part of a name.
bool read_time(std::string_view text, TapLine& line) {
  text = trimmed(text);
  if (!take(text, "time=")) return false;
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || !(number >= 0)) return false;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  constexpr double kMost = 1e9;  // seconds
  double seconds = number;
  if (take(text, "ms"))
    seconds = number / 1000;
  else if (!take(text, "s"))
    return false;
  text = trimmed(text);
  if (!text.empty() && text != "{") return false;
  line.opens = text == "{";
  if (seconds <= kMost)
    line.took = std::chrono::microseconds(static_cast<std::int64_t>(seconds * 1e6));
  return true;
}

// What follows "ok" or "not ok".
TapLine read_test(std::string_view rest, bool passed) {
  TapLine line;
  if (!rest.empty() && !is_space(rest.front())) return line;  // "okay"
  line.kind = TapLine::Kind::kTest;
  line.passed = passed;
  rest = trimmed(rest);
  std::string_view numbered = rest;
  const auto number = take_number(numbered);
  if (number && (numbered.empty() || is_space(numbered.front()))) {
    line.number = *number;
    rest = trimmed(numbered);
  }
  const std::size_t directive = find_directive(rest);
  std::string_view description = trimmed(rest.substr(0, directive));
  if (directive != std::string_view::npos) read_directive(rest.substr(directive + 1), line);
  const bool is_timed =
      directive != std::string_view::npos && read_time(rest.substr(directive + 1), line);
  // A "#" that begins neither is a part of the description.
  if (line.directive == TapLine::Directive::kNone && !is_timed) description = rest;
  if (take(description, "-")) description = trimmed(description);
  if (description.ends_with('{') && (description.size() == 1 || is_space(description.end()[-2]))) {
    line.opens = true;
    description = trimmed(description.substr(0, description.size() - 1));
  }
  line.text = unescaped(description);
  return line;
}

TapLine read_plan(std::string_view rest) {
  TapLine line;
  const auto count = take_number(rest);
  rest = trimmed(rest);
  if (!count || (!rest.empty() && !rest.starts_with('#'))) return line;
  line.kind = TapLine::Kind::kPlan;
  line.number = *count;
  if (take(rest, "#")) {
    line.reason = trimmed(rest);
    read_directive(rest, line);
  }
  return line;
}

TapLine of_kind(TapLine::Kind kind, std::string_view text = {}) {
  TapLine line;
  line.kind = kind;
  line.text = trimmed(text);
  return line;
}

}  // namespace

TapLine read_tap_line(std::string_view line) {
  std::string_view rest = line;
  while (!rest.empty() && (is_space(rest.back()) || rest.back() == '\r')) rest.remove_suffix(1);
  if (take(rest, "ok")) return read_test(rest, true);
  if (take(rest, "not ok")) return read_test(rest, false);
  if (take(rest, "1..")) return read_plan(rest);
  if (rest == "---") return of_kind(TapLine::Kind::kYaml);
  if (rest == "}") return of_kind(TapLine::Kind::kClose);
  if (take(rest, "#")) return of_kind(TapLine::Kind::kComment, rest);
  if (take_word(rest, "BAIL OUT!")) return of_kind(TapLine::Kind::kBailOut, rest);
  if (take_word(rest, "TAP VERSION ")) {
    TapLine version = of_kind(TapLine::Kind::kVersion);
    version.number = take_number(rest).value_or(0);
    return version;
  }
  return {};
}

}  // namespace stagebox::test_reports
