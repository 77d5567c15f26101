#include "runtime/cli/time_option.h"

#include <time.h>

#include <array>
#include <cstdio>
#include <optional>
#include <string_view>

#include "runtime/base/printable.h"
#include "runtime/base/units.h"

namespace stagebox::cli {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// ".25" and so on, taken from the front; nine digits count.
std::int64_t take_fraction(std::string_view& text) {
  if (!text.starts_with('.')) return 0;
  text.remove_prefix(1);
  std::int64_t fraction = 0;
  for (std::int64_t unit = kNanosecondsPerSecond / 10; !text.empty() && is_digit(text.front());
       unit /= 10) {
    fraction += unit * (text.front() - '0');
    text.remove_prefix(1);
  }
  return fraction;
}

// Seconds east of Greenwich.
std::optional<std::int64_t> parse_zone(std::string_view text) {
  if (text == "Z" || text == "z") return 0;
  const bool is_offset = text.size() == 6 && (text[0] == '+' || text[0] == '-') &&
                         is_digit(text[1]) && is_digit(text[2]) && text[3] == ':' &&
                         is_digit(text[4]) && is_digit(text[5]);
  if (!is_offset) return std::nullopt;
  const int hours = (text[1] - '0') * 10 + text[2] - '0';
  const int minutes = (text[4] - '0') * 10 + text[5] - '0';
  const std::int64_t seconds = hours * 3600LL + minutes * 60LL;
  return text[0] == '-' ? -seconds : seconds;
}

std::optional<std::int64_t> parse_timestamp(const std::string& text) {
  struct tm parts{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (end == nullptr) return std::nullopt;
  std::string_view rest(end);
  const std::int64_t fraction = take_fraction(rest);
  const auto zone = parse_zone(rest);
  // What nanoseconds in 64 bits can say.
  if (!zone || parts.tm_year < 0 || parts.tm_year > 300) return std::nullopt;
  return (::timegm(&parts) - *zone) * kNanosecondsPerSecond + fraction;
}

}  // namespace

base::Result<std::int64_t> parse_time(const std::string& option, const std::string& text,
                                      std::int64_t now) {
  if (const auto timestamp = parse_timestamp(text)) return *timestamp;
  const auto duration = base::parse_duration(text);
  if (duration.ok() && duration->count() < now / kNanosecondsPerMillisecond)
    return now - duration->count() * kNanosecondsPerMillisecond;
  return base::invalid(option + " takes a time, found " + base::printable(text) +
                       "; write for example 10m (ten minutes ago) or 2026-05-04T12:00:00Z");
}

std::string format_time(std::int64_t nanoseconds) {
  std::int64_t seconds = nanoseconds / kNanosecondsPerSecond;
  std::int64_t rest = nanoseconds % kNanosecondsPerSecond;
  if (rest < 0) {
    rest += kNanosecondsPerSecond;
    --seconds;
  }
  const time_t time = seconds;
  struct tm parts{};
  std::array<char, 40> text{};
  if (::gmtime_r(&time, &parts) == nullptr) return "-";
  const std::size_t length = ::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  (void)std::snprintf(&text.at(length), text.size() - length, ".%03dZ",
                      static_cast<int>(rest / kNanosecondsPerMillisecond));
  return text.data();
}

}  // namespace stagebox::cli
