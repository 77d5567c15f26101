#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <iostream>
#include <set>
#include <thread>

#include "runtime/cli/commands.h"
#include "runtime/cli/console.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/log_printer.h"
#include "runtime/cli/time_option.h"
#include "runtime/logs/log_feed.h"
#include "runtime/run/state/damaged_log.h"
#include "runtime/run/state/run_logs.h"
#include "runtime/run/state/stored_state.h"
#include "runtime/store/instance_lock.h"

namespace stagebox::cli {
namespace {

using base::Result;
using std::chrono::milliseconds;
using std::chrono::steady_clock;

// How often it is looked for more: soon enough for a person, and seldom enough for the machine.
constexpr milliseconds kPause{100};
/// When nothing has come for so long, who follows sees the beginning of a line, too.
constexpr milliseconds kUnfinished{300};
// The same for the run database, and for whether the run's process lives.
constexpr milliseconds kBetweenLooks{500};
// A stage is on record as begun when it may have written something already.
constexpr std::chrono::seconds kLateRecord{1};

Result<LineChoice> choice_of(const LogsOptions& options) {
  const std::int64_t now = logs::log_time_now().wall;
  LineChoice choice;
  choice.streams = options.streams;
  if (!options.since.empty()) choice.since = TRY(parse_time("--since", options.since, now));
  if (!options.until.empty()) choice.until = TRY(parse_time("--until", options.until, now));
  if (!options.grep.empty()) choice.pattern = TRY(LinePattern::compile(options.grep));
  return choice;
}

logs::Showing showing_on_stdout() {
  if (::isatty(STDOUT_FILENO) != 1) return logs::Showing::kBytes;
  return colour_of_stdout() == Colour::kYes ? logs::Showing::kColours : logs::Showing::kText;
}

LineForm form_of(const LogsOptions& options) {
  LineForm form;
  form.is_json = options.format == OutputFormat::kJson;
  if (options.raw) form.kind = LineForm::Kind::kRaw;
  if (form.is_json) form.kind = LineForm::Kind::kJson;
  if (options.annotations) form.kind = LineForm::Kind::kAnnotations;
  form.timestamps = options.timestamps;
  form.names = options.stage.empty();
  form.showing = showing_on_stdout();
  return form;
}

// As `logs` takes it, but for the attempt.
std::string log_name(const run::StageLog& log) {
  std::string name = log.stage;
  if (!log.service.empty()) name += run::kServiceMark + log.service;
  return log.attempt > 1 ? name + "#" + std::to_string(log.attempt) : name;
}

bool is_over(store::StageState state) {
  return state != store::StageState::kPending && state != store::StageState::kRunning &&
         state != store::StageState::kRetrying;
}

/// The logs that were asked for, of a run that may go on.
class LogView {
 public:
  LogView(const run::StoredState& state, std::string run_id, const LogsOptions& options,
          std::int64_t since)
      : state_(state), run_id_(std::move(run_id)), options_(options), feed_(since) {}

  /// Whatever began since the last time. Afterwards it is known whether more can come.
  Result<void> look() {
    const auto start = steady_clock::now();
    const store::RunDetails details = TRY(state_.runs().show_run(run_id_));
    // A run of thousands of stages takes a while to look at.
    next_look_ = start + std::max(kBetweenLooks, std::chrono::duration_cast<milliseconds>(
                                                     10 * (steady_clock::now() - start)));
    run_goes_on_ = details.run.state == store::RunState::kRunning;
    goes_on_ = run_goes_on_;
    instance_ = details.run.instance;
    if (options_.stage.empty()) return add_all(run::list_logs(details));
    const auto named = run::find_named_log(details, options_.stage);
    if (!named.ok() && options_.follow && run_goes_on_) return {};  // It has not begun.
    if (!named.ok()) return named.error();
    const store::StageRow& stage = named->stage;
    goes_on_ = run_goes_on_ && !is_over(stage.state);
    if (!options_.follow || options_.attempt != 0 || stage.log_path.empty())
      return add_one(details);
    const auto logs = run::list_logs(details, *named);
    return logs.empty() && !goes_on_ ? add_one(details) : add_all(logs);
  }

  /// What is there now.
  Result<void> print(LogPrinter& printer) {
    auto printed = print_items(printer);
    const bool damaged = !printed.ok() && printed.error().kind == base::ErrorKind::kCorrupt;
    if (damaged && feed_.failed_log()) TRY(drop_result(*feed_.failed_log()));
    return printed;
  }

  /// Everything again, or of each log only about the last `bytes`; for a new printer.
  void restart(std::optional<std::uint64_t> bytes) {
    feed_.restart(bytes);
    begun_.clear();
    is_cut_ = false;
  }
  /// Whether some log was not read from its beginning.
  [[nodiscard]] bool is_cut() const { return is_cut_; }

  /// Those that broke off, or whose stage still runs, end here.
  Result<void> finish(LogPrinter& printer) {
    for (const std::size_t number : feed_.open_logs())
      TRY(printer.end(number, feed_.log(number).name, logs::LogState::kOpen));
    return {};
  }

  /// Prints until nothing can come any more.
  Result<void> follow(LogPrinter& printer) {
    feed_.read_new_logs_whole();
    for (;;) {
      const bool went_on = goes_on_;
      TRY(print(printer));
      if (steady_clock::now() - last_came_ > kUnfinished) TRY(printer.show_begun());
      std::cout << std::flush;
      const bool is_read = options_.attempt != 0 && feed_.size() > 0 && feed_.is_over();
      if (!went_on || is_read) return {};
      std::this_thread::sleep_for(kPause);
      if (steady_clock::now() < next_look_) continue;
      TRY(look());
      const bool died = TRY(process_died());
      if (!died || !goes_on_) continue;
      std::cerr << "stagebox: note: the Stagebox of this run died; the next command ends the run\n";
      goes_on_ = false;
    }
  }

 private:
  Result<void> print_items(LogPrinter& printer) {
    for (;;) {
      const auto item = TRY(feed_.next());
      if (!item) return {};
      last_came_ = steady_clock::now();
      const std::string& name = feed_.log(item->log).name;
      begin(printer, item->log, name);
      if (item->chunk)
        TRY(printer.add(item->log, name, *item->chunk));
      else
        TRY(end(printer, item->log, item->state));
    }
  }

  void begin(LogPrinter& printer, std::size_t log, const std::string& name) {
    const auto cut = feed_.cut(log);
    if (!cut || !begun_.insert(log).second) return;
    printer.begin_within(log, name, *cut);
    is_cut_ = true;
  }

  Result<void> end(LogPrinter& printer, std::size_t log, logs::LogState state) {
    if (state == logs::LogState::kDamaged) TRY(drop_result(log));
    return printer.end(log, feed_.log(log).name, state);
  }

  Result<void> drop_result(std::size_t log) {
    const bool dropped = TRY(run::drop_result_of_log(state_, run_id_, feed_.log(log).path));
    if (dropped)
      std::cerr << "stagebox: note: the log of " << feed_.log(log).name
                << " is damaged; the stage runs again the next time\n";
    return {};
  }

  Result<bool> process_died() {
    const auto dead = TRY(store::InstanceLock::dead(state_.home()));
    return std::ranges::any_of(dead, [this](const auto& one) { return one.id() == instance_; });
  }

  Result<void> add_one(const store::RunDetails& details) {
    auto path = run::find_log(details, options_.stage, options_.attempt);
    if (!path.ok() && options_.follow && goes_on_ && options_.attempt == 0) return {};
    if (!path.ok()) return path.error();
    if (known_.insert(*path).second) feed_.add({options_.stage, *path, 0, false});
    return {};
  }

  Result<void> add_all(const std::vector<run::StageLog>& logs) {
    for (const run::StageLog& log : logs) {
      if (!known_.insert(log.path).second) continue;
      if (::access(log.path.c_str(), R_OK) != 0) {
        std::cerr << "stagebox: note: the log " << log.path << " is not there any more\n";
        continue;
      }
      const std::string name = log_name(log);
      const auto begins = log.begins - (log.is_of_another_run ? kLateRecord * 0 : kLateRecord);
      feed_.add({name, log.path, std::chrono::nanoseconds(begins.time_since_epoch()).count(),
                 log.is_of_another_run});
    }
    return {};
  }

  const run::StoredState& state_;
  std::string run_id_;
  const LogsOptions& options_;
  logs::LogFeed feed_;
  std::set<std::string> known_;
  std::set<std::size_t> begun_;  ///< Of those that are not read from their beginning.
  bool is_cut_ = false;
  std::string instance_;
  bool run_goes_on_ = false;
  bool goes_on_ = false;  ///< More can come.
  steady_clock::time_point next_look_;
  steady_clock::time_point last_came_;
};

Result<void> show(LogView& view, LogPrinter& printer, const LogsOptions& options) {
  TRY(options.follow ? view.follow(printer) : view.print(printer));
  TRY(view.finish(printer));
  printer.finish();
  return {};
}

// What is looked at first of each log, and how much more each next time when there were too few
// lines in it.
constexpr std::uint64_t kFirstLook = std::uint64_t{256} << 10;
constexpr std::uint64_t kMore = 8;

// Groups and annotations are known to whoever reads a log from its beginning only.
std::optional<std::uint64_t> first_look(const LogsOptions& options) {
  const bool needs_all = options.annotations || options.format == OutputFormat::kJson;
  return needs_all ? std::nullopt : std::optional(kFirstLook);
}

// The lines that are too long to be held are read a second time.
Result<void> show_long_tail(LogView& view, const LogsOptions& options, const LineChoice& choice) {
  LogPrinter printer(std::cout, std::cerr, choice, form_of(options));
  LineTail nothing(0);
  printer.hold(nothing);
  view.restart(std::nullopt);
  TRY(view.print(printer));
  if (!options.follow) TRY(view.finish(printer));
  const std::size_t skipped = printer.count() - std::min(printer.count(), *options.tail);
  LogPrinter again(std::cout, std::cerr, choice, form_of(options), skipped);
  view.restart(std::nullopt);
  return show(view, again, options);
}

// Reads the logs from nearer and nearer to their beginning until enough lines are known. What was
// read in vain is a small part of the last time.
Result<void> show_tail(LogView& view, const LogsOptions& options, const LineChoice& choice) {
  for (auto bytes = first_look(options);; bytes = *bytes * kMore) {
    view.restart(bytes);
    LogPrinter printer(std::cout, std::cerr, choice, form_of(options));
    LineTail tail(*options.tail);
    printer.hold(tail);
    TRY(view.print(printer));
    if (!options.follow) TRY(view.finish(printer));
    if (view.is_cut() && !printer.knows_last(*options.tail)) continue;
    if (tail.is_too_long()) return show_long_tail(view, options, choice);
    printer.show_tail();
    if (options.follow) return show(view, printer, options);
    printer.finish();
    return {};
  }
}

}  // namespace

Result<int> logs_command(const LogsOptions& options) {
  const LineChoice choice = TRY(choice_of(options));
  const run::StoredState state = TRY(run::StoredState::open());
  const std::string id = TRY(state.runs().find_run(options.run)).id;
  LogView view(state, id, options, choice.since);
  TRY(view.look());
  if (options.tail) {
    TRY(show_tail(view, options, choice));
    return kSuccess;
  }
  LogPrinter printer(std::cout, std::cerr, choice, form_of(options));
  TRY(show(view, printer, options));
  return kSuccess;
}

}  // namespace stagebox::cli
