// What is said about an import that takes its time, as text: purely from what is known at a moment.
// When and where it is said is ImportDisplay's business.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "images/base/import_progress.h"
#include "runtime/cli/console.h"

namespace stagebox::cli {

/// How fast bytes come in, over the last seconds: an average since the start would not see that a
/// disk or a pipe has become slow.
class RateMeter {
 public:
  using Clock = std::chrono::steady_clock;
  /// `bytes` so far; fewer than before begin a new count.
  void add(Clock::time_point now, std::uint64_t bytes);
  /// Bytes a second; nullopt until that can be said.
  [[nodiscard]] std::optional<double> rate() const;

 private:
  std::deque<std::pair<Clock::time_point, std::uint64_t>> samples_;
};

/// An import at one moment.
struct ImportMoment {
  std::string name;  ///< What the user calls it; any bytes.
  images::ImportProgress::Phase phase = images::ImportProgress::Phase::kReading;
  std::uint64_t bytes_read = 0;
  std::uint64_t bytes_total = 0;  ///< 0: unknown.
  std::uint64_t entries = 0;
  std::optional<double> rate;  ///< Bytes a second.

  static ImportMoment of(const std::string& name, const images::ImportProgress& progress,
                         std::optional<double> rate);
};

/// One line of at most `width` columns, without its end. What matters least is left out first.
std::string live_line(const ImportMoment& moment, std::size_t width, Colour colour);
/// All of it, for a log.
std::string plain_line(const ImportMoment& moment);

}  // namespace stagebox::cli
