#include "runtime/cli/import_line.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "runtime/base/printable.h"
#include "runtime/base/units.h"

namespace stagebox::cli {
namespace {

using Phase = images::ImportProgress::Phase;

constexpr std::chrono::seconds kRateWindow{3};
constexpr std::chrono::milliseconds kShortestWindow{300};
constexpr std::size_t kLongestName = 40;
constexpr std::size_t kBarColumns = 20;

// Columns are counted as bytes, so nothing but ASCII is let through.
std::string short_name(const std::string& name) {
  const std::string last = std::filesystem::path(name).filename().string();
  std::string text;
  for (const char letter : last.empty() ? name : last) {
    text += letter > ' ' && letter < '\x7f' ? letter : '?';
  }
  if (text.size() > kLongestName) text = text.substr(0, kLongestName - 3) + "...";
  return text;
}

const char* verb_of(Phase phase) {
  switch (phase) {
    case Phase::kReading:
      return "reading ";
    case Phase::kWaiting:
      return "waiting for another import to finish a layer of ";
    case Phase::kWriting:
      return "writing to disk ";
    case Phase::kUnpacking:
      break;
  }
  return "importing ";
}

/// Bytes can be told of.
bool is_counted(const ImportMoment& moment) {
  return moment.phase == Phase::kReading || moment.phase == Phase::kUnpacking;
}

double fraction_of(const ImportMoment& moment) {
  if (moment.bytes_total == 0) return 0;
  return std::min(1.0,
                  static_cast<double>(moment.bytes_read) / static_cast<double>(moment.bytes_total));
}

std::string percent_of(const ImportMoment& moment) {
  if (moment.bytes_total == 0) return "";
  return std::to_string(static_cast<int>(fraction_of(moment) * 100)) + "%";
}

std::string bytes_of(const ImportMoment& moment) {
  std::string text = base::format_bytes(moment.bytes_read);
  if (moment.bytes_total != 0) text += " of " + base::format_bytes(moment.bytes_total);
  return text;
}

std::string files_of(const ImportMoment& moment) {
  return moment.entries == 0 ? "" : std::to_string(moment.entries) + " files";
}

std::string rate_of(const ImportMoment& moment) {
  if (!moment.rate) return "";
  return base::format_bytes(static_cast<std::uint64_t>(*moment.rate)) + "/s";
}

std::string remaining_of(const ImportMoment& moment) {
  constexpr double kLongest = 100 * 3600;
  if (!moment.rate || *moment.rate < 1 || moment.bytes_total <= moment.bytes_read) return "";
  const double seconds = static_cast<double>(moment.bytes_total - moment.bytes_read) / *moment.rate;
  if (seconds > kLongest) return "";
  const auto whole = static_cast<std::uint64_t>(std::ceil(seconds));
  if (whole < 60) return std::to_string(whole) + "s left";
  const std::string rest = std::to_string(whole % 60);
  return std::to_string(whole / 60) + "m" + (rest.size() < 2 ? "0" : "") + rest + "s left";
}

std::string bar_of(const ImportMoment& moment, Colour colour) {
  if (moment.bytes_total == 0) return "";
  const auto done = static_cast<std::size_t>(fraction_of(moment) * kBarColumns);
  std::string full(done, '#');
  if (colour == Colour::kYes) full = "\x1b[32m" + full + "\x1b[0m";
  return "[" + full + std::string(kBarColumns - done, '-') + "]";
}

struct Part {
  std::string text;
  int weight;           ///< The heaviest stay.
  std::size_t columns;  ///< Of the text without colours.
};

}  // namespace

void RateMeter::add(Clock::time_point now, std::uint64_t bytes) {
  if (!samples_.empty() && bytes < samples_.back().second) samples_.clear();
  samples_.emplace_back(now, bytes);
  while (samples_.size() > 2 && now - samples_[1].first >= kRateWindow) samples_.pop_front();
}

std::optional<double> RateMeter::rate() const {
  if (samples_.size() < 2) return std::nullopt;
  const auto [first, bytes_before] = samples_.front();
  const auto [last, bytes] = samples_.back();
  if (last - first < kShortestWindow) return std::nullopt;
  const std::chrono::duration<double> seconds = last - first;
  return static_cast<double>(bytes - bytes_before) / seconds.count();
}

ImportMoment ImportMoment::of(const std::string& name, const images::ImportProgress& progress,
                              std::optional<double> rate) {
  return {name, progress.phase, progress.bytes_read, progress.bytes_total, progress.entries, rate};
}

std::string live_line(const ImportMoment& moment, std::size_t width, Colour colour) {
  const auto plain = [](std::string text, int weight) {
    const std::size_t columns = text.size();
    return Part{std::move(text), weight, columns};
  };
  std::vector<Part> parts{plain(verb_of(moment.phase) + short_name(moment.name), 9)};
  if (is_counted(moment)) {
    const std::size_t bar_columns = moment.bytes_total == 0 ? 0 : kBarColumns + 2;
    parts.push_back({bar_of(moment, colour), 4, bar_columns});
    parts.push_back(plain(percent_of(moment), 8));
    parts.push_back(plain(bytes_of(moment), 7));
    parts.push_back(plain(files_of(moment), 5));
    parts.push_back(plain(rate_of(moment), 3));
    parts.push_back(plain(remaining_of(moment), 6));
  }
  std::erase_if(parts, [](const Part& part) { return part.text.empty(); });
  const auto columns = [&parts] {
    std::size_t sum = 2 * (parts.size() - 1);
    for (const Part& part : parts) sum += part.columns;
    return sum;
  };
  const auto lighter = [](const Part& a, const Part& b) { return a.weight < b.weight; };
  while (parts.size() > 1 && columns() > width)
    parts.erase(std::ranges::min_element(parts, lighter));
  std::string line;
  for (const Part& part : parts) line += (line.empty() ? "" : "  ") + part.text;
  return columns() > width ? line.substr(0, width) : line;
}

std::string plain_line(const ImportMoment& moment) {
  std::string line = verb_of(moment.phase) + base::printable(moment.name);
  if (!is_counted(moment)) return line;
  const char* separator = ": ";
  for (const std::string& part : {percent_of(moment), bytes_of(moment), files_of(moment),
                                  rate_of(moment), remaining_of(moment)}) {
    if (part.empty()) continue;
    line += separator + part;
    separator = ", ";
  }
  return line;
}

}  // namespace stagebox::cli
