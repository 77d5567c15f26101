#include "runtime/base/units.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <limits>

namespace stagebox::base {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

constexpr double kKi = 1024.0;
constexpr std::array<Unit, 10> kByteUnits{{{"", 1.0},
                                           {"B", 1.0},
                                           {"kB", 1e3},
                                           {"MB", 1e6},
                                           {"GB", 1e9},
                                           {"TB", 1e12},
                                           {"KiB", kKi},
                                           {"MiB", kKi* kKi},
                                           {"GiB", kKi* kKi* kKi},
                                           {"TiB", kKi* kKi* kKi* kKi}}};
// Falling order, which is also the order they must be written in.
constexpr std::array<Unit, 4> kTimeUnits{{{"h", 3600e3}, {"m", 60e3}, {"s", 1e3}, {"ms", 1.0}}};
constexpr double kMaxMilliseconds = 876'000 * 3600e3;  // a hundred years

// Takes a plain decimal number ("12", "1.5") off the front of the text.
bool take_number(std::string_view& text, double& number) {
  const std::size_t length = text.find_first_not_of("0123456789.");
  const std::string_view digits = text.substr(0, length);
  if (digits.empty() || digits.front() == '.') return false;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return false;
  text.remove_prefix(digits.size());
  return true;
}

std::string printed(const char* format, double value, const char* unit) {
  std::array<char, 48> buffer{};
  const int length = std::snprintf(buffer.data(), buffer.size(), format, value, unit);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

}  // namespace

Result<std::uint64_t> parse_bytes(std::string_view text) {
  const std::string shown(text);
  double number = 0;
  if (take_number(text, number)) {
    if (text.starts_with(' ')) text.remove_prefix(1);
    for (const Unit& unit : kByteUnits) {
      if (text != unit.name) continue;
      const double bytes = number * unit.factor;
      if (bytes >= static_cast<double>(std::numeric_limits<std::int64_t>::max())) break;
      return static_cast<std::uint64_t>(bytes);
    }
  }
  return invalid("\"" + shown + "\" is not a size; write for example 512MiB or 2GiB");
}

Result<std::chrono::milliseconds> parse_duration(std::string_view text) {
  const std::string shown(text);
  const Error wrong =
      invalid("\"" + shown + "\" is not a duration; write for example 90s, 10m or 1h30m");
  double total = 0;
  std::size_t next_unit = 0;
  if (text.empty()) return wrong;
  while (!text.empty()) {
    double number = 0;
    if (!take_number(text, number)) return wrong;
    if (text.empty() && next_unit == 0) {
      total = number * 1e3;
      break;
    }
    const std::string_view name = text.substr(0, text.find_first_of("0123456789."));
    while (next_unit < kTimeUnits.size() && kTimeUnits[next_unit].name != name) ++next_unit;
    if (next_unit == kTimeUnits.size()) return wrong;
    total += number * kTimeUnits[next_unit].factor;
    ++next_unit;
    text.remove_prefix(name.size());
  }
  if (total > kMaxMilliseconds)
    return invalid("\"" + shown + "\" is longer than any duration here; the longest is 876000h");
  return std::chrono::milliseconds(static_cast<std::int64_t>(total));
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return std::to_string(count) + " " + std::string(noun) + (count == 1 ? "" : "s");
}

std::string format_bytes(std::uint64_t bytes) {
  if (bytes < 1024) return std::to_string(bytes) + " B";
  static constexpr std::array<const char*, 5> kNames{"KiB", "MiB", "GiB", "TiB", "PiB"};
  double value = static_cast<double>(bytes) / kKi;
  std::size_t unit = 0;
  while (value >= 1024 && unit + 1 < kNames.size()) {
    value /= kKi;
    ++unit;
  }
  return printed(value < 10 ? "%.1f %s" : "%.0f %s", value, kNames[unit]);
}

std::string format_duration(std::chrono::milliseconds duration) {
  const auto total_ms = duration.count();
  const double seconds = static_cast<double>(total_ms) / 1e3;
  if (total_ms < 10'000) return printed("%.2f%s", seconds, "s");
  if (total_ms < 60'000) return printed("%.1f%s", seconds, "s");
  const long long whole = total_ms / 1000;
  const bool hours = whole >= 3600;
  std::array<char, 48> buffer{};
  const int length =
      hours ? std::snprintf(buffer.data(), buffer.size(), "%lldh%02lldm", whole / 3600,
                            whole / 60 % 60)
            : std::snprintf(buffer.data(), buffer.size(), "%lldm%02llds", whole / 60, whole % 60);
  return {buffer.data(), static_cast<std::size_t>(length)};
}

}  // namespace stagebox::base
