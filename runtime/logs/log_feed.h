// LogFeed: several logs as one, in the order of time, also while they are written. A log is open
// only from when it began until it is read, so that a run of thousands of stages needs no more than
// those that ran at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/logs/log_reader.h"

namespace stagebox::logs {

/// Not thread-safe.
class LogFeed {
 public:
  struct Log {
    std::string name;  ///< For whoever shows it.
    std::string path;
    std::int64_t begins = 0;  ///< Nothing of it is older. Wall clock, nanoseconds since 1970.
    /// It stands at `begins` as a whole: what it has is from another run.
    bool is_of_another_run = false;
  };
  struct Item {
    std::size_t log = 0;         ///< In the order of add().
    std::optional<Chunk> chunk;  ///< None: this log is over, for the reason that `state` says.
    LogState state = LogState::kOpen;
  };

  /// Chunks from before `since` may be left out.
  explicit LogFeed(std::int64_t since = std::numeric_limits<std::int64_t>::min()) : since_(since) {}

  /// Returns its number. A log that is not there is an error of next().
  std::size_t add(Log log);
  [[nodiscard]] const Log& log(std::size_t number) const { return logs_[number]; }
  [[nodiscard]] std::size_t size() const { return logs_.size(); }

  /// The oldest chunk of what is there; nothing when there is nothing now. Valid until the next
  /// call.
  base::Result<std::optional<Item>> next();
  /// Of which log the error was that next() returned last.
  [[nodiscard]] std::optional<std::size_t> failed_log() const { return failed_; }
  /// Whether every log was read to its end, so that nothing comes any more.
  [[nodiscard]] bool is_over() const { return waiting_.empty() && open_.empty(); }
  /// The logs that were opened and may go on, by their numbers.
  [[nodiscard]] std::vector<std::size_t> open_logs() const;

 private:
  struct Open {
    std::size_t log = 0;
    std::unique_ptr<LogReader> reader;
    std::optional<Chunk> chunk;
    /// Of the chunk; never before the one of an earlier chunk.
    std::int64_t time = std::numeric_limits<std::int64_t>::min();
  };
  base::Result<void> open(std::size_t log);
  base::Result<void> load(Open& open);
  std::vector<Open>::iterator oldest();

  std::int64_t since_;
  std::vector<Log> logs_;
  std::vector<std::size_t> waiting_;  ///< Not opened yet; the one that begins first is the last.
  std::vector<Open> open_;
  std::optional<std::size_t> given_;   ///< The log whose chunk was returned.
  std::optional<std::size_t> failed_;  ///< That is being read, or could not be.
};

}  // namespace stagebox::logs
