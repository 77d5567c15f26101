#include "runtime/cli/time_option.h"

#include <time.h>

#include <array>
#include <charconv>
#include <cstdio>
#include <optional>
#include <string_view>

#include "runtime/base/printable.h"
#include "runtime/base/units.h"

namespace stagebox::cli {
namespace {

constexpr std::int64_t kNanosecondsPerSecond = 1'000'000'000;
constexpr std::int64_t kNanosecondsPerMillisecond = 1'000'000;
constexpr std::int64_t kMillisecondsPerDay = std::int64_t{24} * 3600 * 1000;
constexpr std::int64_t kMostDays = 36'500;  // as durations have at most

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

// Seconds since 1970: of this machine's time zone where the text names none.
std::optional<std::int64_t> seconds_of(struct tm& parts, std::string_view zone_text) {
  if (zone_text.empty()) {
    parts.tm_isdst = -1;
    return ::mktime(&parts);
  }
  const auto zone = parse_zone(zone_text);
  if (!zone) return std::nullopt;
  return ::timegm(&parts) - *zone;
}

std::optional<std::int64_t> parse_timestamp(const std::string& text) {
  struct tm parts{};
  const char* end = ::strptime(text.c_str(), "%Y-%m-%d", &parts);
  if (end == nullptr) return std::nullopt;
  if (*end != '\0') {  // Else it is the midnight that the day begins with.
    if (*end != 'T' && *end != ' ') return std::nullopt;
    end = ::strptime(end + 1, "%H:%M", &parts);
    if (end == nullptr) return std::nullopt;
  }
  std::int64_t fraction = 0;
  std::string_view rest(end);
  if (rest.starts_with(':')) {
    end = ::strptime(end + 1, "%S", &parts);
    if (end == nullptr) return std::nullopt;
    rest = end;
    fraction = take_fraction(rest);
  }
  // What nanoseconds in 64 bits can say.
  if (parts.tm_year < 0 || parts.tm_year > 300) return std::nullopt;
  const auto seconds = seconds_of(parts, rest);
  if (!seconds) return std::nullopt;
  return *seconds * kNanosecondsPerSecond + fraction;
}

// Milliseconds: as durations are written everywhere, and days before that, "1d" or "1d12h".
std::optional<std::int64_t> parse_ago(std::string_view text) {
  std::int64_t days = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), days);
  const auto length = static_cast<std::size_t>(end - text.data());
  if (error != std::errc() || days < 0 || text.substr(length, 1) != "d") {
    days = 0;
  } else {
    if (days > kMostDays) return std::nullopt;
    text.remove_prefix(length + 1);
    if (text.empty()) return days * kMillisecondsPerDay;
    // "1d12" would leave open of what.
    if (is_digit(text.back())) return std::nullopt;
  }
  const auto duration = base::parse_duration(text);
  if (!duration.ok()) return std::nullopt;
  return days * kMillisecondsPerDay + duration->count();
}

}  // namespace

base::Result<std::int64_t> parse_time(const std::string& option, const std::string& text,
                                      std::int64_t now) {
  if (const auto timestamp = parse_timestamp(text)) return *timestamp;
  const auto ago = parse_ago(text);
  if (ago && *ago < now / kNanosecondsPerMillisecond)
    return now - *ago * kNanosecondsPerMillisecond;
  return base::invalid(
      option + " takes a time, found " + base::printable(text) +
      "; write for example 10m or 1d (ago), 2026-05-04 or \"2026-05-04 12:00\" (local time) or "
      "2026-05-04T12:00:00Z");
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

std::string format_local_time(std::int64_t nanoseconds) {
  const time_t time = nanoseconds / kNanosecondsPerSecond;
  struct tm parts{};
  std::array<char, 40> text{};
  if (::localtime_r(&time, &parts) == nullptr) return "-";
  return {text.data(), ::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &parts)};
}

}  // namespace stagebox::cli
