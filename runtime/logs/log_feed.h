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

  /// All logs from their beginning again, or of each only about the last `bytes` (see
  /// LogReader::skip_to_last()).
  void restart(std::optional<std::uint64_t> bytes);
  /// Logs that are added from now on are read as a whole.
  void read_new_logs_whole() { last_bytes_.reset(); }
  /// Of a log that was given out: which streams are between lines where reading it began; nothing
  /// when that was its beginning.
  [[nodiscard]] std::optional<BetweenLines> cut(std::size_t log) const { return cuts_[log]; }

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
  void wait_for(std::size_t log);
  base::Result<void> load(Open& open);
  std::vector<Open>::iterator oldest();

  std::int64_t since_;
  std::optional<std::uint64_t> last_bytes_;
  std::vector<Log> logs_;
  std::vector<std::optional<BetweenLines>> cuts_;  ///< Of each log.
  std::vector<std::size_t> waiting_;  ///< Not opened yet; the one that begins first is the last.
  std::vector<Open> open_;
  std::optional<std::size_t> given_;   ///< The log whose chunk was returned.
  std::optional<std::size_t> failed_;  ///< That is being read, or could not be.
};

}  // namespace stagebox::logs
