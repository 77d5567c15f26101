// LogPrinter: shows the lines of one or several logs, those that are wanted, as they come.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/cli/command_line/options.h"
#include "runtime/cli/line_pattern.h"
#include "runtime/cli/line_tail.h"
#include "runtime/logs/line_assembler.h"
#include "runtime/logs/shown_text.h"
#include "runtime/logs/workflow_command.h"

namespace stagebox::cli {

/// Which lines.
struct LineChoice {
  std::int64_t since = std::numeric_limits<std::int64_t>::min();
  std::int64_t until = std::numeric_limits<std::int64_t>::max();  ///< Not included.
  LogsOptions::Streams streams = LogsOptions::Streams::kBoth;
  std::optional<LinePattern> pattern;

  /// Those of logs that have no times are from any time.
  [[nodiscard]] bool is_wanted(const std::optional<logs::LogTime>& time) const;
  [[nodiscard]] bool is_wanted(logs::RecordKind kind) const;
  [[nodiscard]] bool is_wanted(const logs::Line& line) const;
};

/// In which form.
struct LineForm {
  enum class Kind {
    kText,
    kRaw,
    kJson,         ///< A line of JSON for each.
    kAnnotations,  ///< Only what stages reported.
  };
  Kind kind = Kind::kText;
  bool is_json = false;  ///< The annotations, too.
  bool timestamps = false;
  bool names = false;  ///< Which stage it is of, before each line.
  logs::Showing showing = logs::Showing::kBytes;
};

class LogPrinter {
 public:
  /// `out` gets what stages wrote, `notes` what we say about it. The first `skipped` lines that
  /// are wanted are not shown.
  LogPrinter(std::ostream& out, std::ostream& notes, const LineChoice& choice, LineForm form,
             std::size_t skipped = 0)
      : out_(out), notes_(notes), choice_(choice), form_(form), skipped_(skipped) {}

  /// Before anything of that log: what comes is not its beginning (see LogFeed::cut()).
  void begin_within(std::size_t log, const std::string& name,
                    const logs::BetweenLines& between_lines);
  /// Of log number `log`, which is of the stage `name`.
  base::Result<void> add(std::size_t log, const std::string& name, const logs::Chunk& chunk);
  /// That log is over.
  base::Result<void> end(std::size_t log, const std::string& name, logs::LogState state);
  /// From now on lines are held, and the last ones of them shown by show_tail(). `tail` outlives it
  /// or that call.
  void hold(LineTail& tail) { tail_ = &tail; }
  /// Shows what was held, and from now on each line that comes.
  void show_tail();
  /// Of one log that is shown as text: what has come of lines that have no end yet.
  base::Result<void> show_begun();
  /// Nothing comes any more.
  void finish();
  /// How many lines were wanted.
  [[nodiscard]] std::size_t count() const { return count_; }
  /// Whether at least so many of them came behind all that is not known of logs that began within.
  [[nodiscard]] bool knows_last(std::size_t count) const;

 private:
  struct Log {
    std::string name;
    std::unique_ptr<logs::LineAssembler> lines;
    std::array<logs::ShownText, 2> shown{logs::ShownText(logs::Showing::kBytes),
                                         logs::ShownText(logs::Showing::kBytes)};
    std::array<bool, 2> is_shown{};            ///< The line whose pieces come.
    std::array<std::size_t, 2> line_number{};  ///< The number of that line.
    std::array<bool, 2> is_unknown{};          ///< The line began before what was read.
    bool is_over = false;                      ///< It is here only for the lines that are held.
    logs::Annotations annotations;
  };
  Log& log_of(std::size_t number, const std::string& name);
  base::Result<void> on_line(std::size_t number, const logs::Line& line);
  void print(std::size_t number, const logs::Line& line, const std::vector<std::string>& groups);
  void print_text(std::size_t number, const logs::Line& line);
  void print_json(const Log& log, const logs::Line& line, const std::vector<std::string>& groups);
  void print_annotations(const Log& log);
  void note(const Log& log, std::string_view text);
  void end_line();
  void write_note(const std::string& text);

  std::ostream& out_;
  std::ostream& notes_;
  const LineChoice& choice_;
  LineForm form_;
  std::size_t skipped_;
  std::size_t count_ = 0;
  std::size_t unknown_until_ = 0;  ///< So many lines, and perhaps others, came before.
  LineTail* tail_ = nullptr;
  std::vector<std::string> held_notes_;
  std::deque<std::optional<Log>> logs_;
  /// The log and stream of a line that is not complete on the screen.
  std::optional<std::pair<std::size_t, logs::RecordKind>> unfinished_;
};

}  // namespace stagebox::cli
