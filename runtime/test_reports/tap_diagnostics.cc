#include "runtime/test_reports/tap_diagnostics.h"

#include <charconv>
#include <cmath>

#include "runtime/base/utf8.h"
#include "runtime/test_reports/clean_text.h"
#include "runtime/test_reports/test_case.h"

namespace stagebox::test_reports {
namespace {

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  const std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return line;
}

bool is_block_mark(std::string_view value) {
  return value.size() <= 3 && (value.starts_with('|') || value.starts_with('>'));
}

// The lines under a key that are indented deeper than it.
std::string block_value(std::string_view rest) {
  std::string value;
  while (!rest.empty() && value.size() < CaseLimits::kMessage) {
    const std::string_view line = take_line(rest);
    if (!line.empty() && line.front() != ' ') break;
    value.append(one_line(line)).push_back('\n');
  }
  const std::size_t last = value.find_last_not_of('\n');
  value.resize(last == std::string::npos ? 0 : last + 1);
  return value;
}

std::string unquoted(std::string_view value) {
  const bool quoted = value.size() >= 2 && (value.front() == '"' || value.front() == '\'') &&
                      value.back() == value.front();
  return std::string(quoted ? value.substr(1, value.size() - 2) : value);
}

std::optional<std::chrono::microseconds> milliseconds_of(std::string_view value) {
  double milliseconds = 0;
  const auto [end, error] =
      std::from_chars(value.data(), value.data() + value.size(), milliseconds);
  constexpr double kMost = 1e12;
  const bool fits = milliseconds >= 0 && milliseconds < kMost;  // not so for NaN
  if (error != std::errc() || end != value.data() + value.size() || !fits) return std::nullopt;
  return std::chrono::microseconds(std::llround(milliseconds * 1e3));
}

}  // namespace

TapDiagnostics read_tap_diagnostics(std::string_view block) {
  TapDiagnostics found;
  while (!block.empty()) {
    const std::string_view line = take_line(block);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || line.starts_with(' ')) continue;
    const std::string_view key = line.substr(0, colon);
    const std::string value = one_line(line.substr(colon + 1));
    if (key == "duration_ms") {
      found.took = milliseconds_of(value);
    } else if ((key == "message" || key == "error") && found.message.empty()) {
      found.message = is_block_mark(value) ? block_value(block) : unquoted(value);
    }
  }
  found.message = base::cut_end(found.message, CaseLimits::kMessage);
  return found;
}

}  // namespace stagebox::test_reports
