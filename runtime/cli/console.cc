#include "runtime/cli/console.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iomanip>
#include <map>
#include <sstream>
#include <string_view>

#include "runtime/base/units.h"
#include "runtime/cli/annotation_lines.h"
#include "runtime/cli/attempt_text.h"
#include "runtime/cli/coverage_lines.h"
#include "runtime/cli/failure_summary.h"
#include "runtime/cli/quoted_log.h"
#include "runtime/cli/resume_hint.h"
#include "runtime/cli/summary_lines.h"
#include "runtime/cli/test_lines.h"
#include "runtime/cli/window_size.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using scheduler::StageState;
using std::chrono::milliseconds;

struct Word {
  const char* text;
  const char* colour;  ///< ANSI select graphic rendition
};

Word word_for(StageState state) {
  switch (state) {
    case StageState::kRunning:
      return {"running", "36"};
    case StageState::kSucceeded:
      return {"ok", "32"};
    case StageState::kCached:
      return {"cached", "32"};
    case StageState::kFailed:
      return {"FAILED", "1;31"};
    case StageState::kAllowedFailure:
      return {"failed (allowed)", "33"};
    case StageState::kSkipped:
      return {"skipped", "33"};
    case StageState::kCancelled:
      return {"cancelled", "33"};
    case StageState::kError:
      return {"ERROR", "1;31"};
    case StageState::kRetrying:
      return {"retrying", "33"};
    case StageState::kPending:
    case StageState::kReady:
      break;
  }
  return {"waiting", "0"};
}

// "attempt 2 of 3: exited with status 75; next in 2.0s", as far as there is more than one.
std::string detail_of(const scheduler::PlannedStage& planned,
                      const scheduler::StageOutcome& outcome) {
  std::string detail = with_attempt(planned, outcome, scheduler::escape_controls(outcome.detail));
  if (outcome.state == StageState::kRetrying)
    detail += "; next in " + base::format_duration(outcome.retry_in);
  return detail;
}

class Console final : public run::RunListener {
 public:
  Console(std::ostream& out, std::size_t width, Colour colour)
      : out_(out),
        colour_(colour),
        showing_(colour == Colour::kYes ? logs::Showing::kColours : logs::Showing::kText),
        width_(width),
        failures_(showing_) {}

  void on_run_started(const std::string& run_id) override {
    run_id_ = run_id;
    out_ << "run " << run_id << '\n' << std::flush;
  }

  void on_stage(const scheduler::PlannedStage& planned, const scheduler::StageOutcome& outcome,
                const run::StageRecord* record, milliseconds elapsed) override {
    const Word word = word_for(outcome.state);
    out_ << "  " << std::left << std::setw(static_cast<int>(width_)) << planned.stage.id << "  "
         << painted(word);
    if (elapsed.count() > 0) out_ << "  " << base::format_duration(elapsed);
    const std::string detail = detail_of(planned, outcome);
    if (!detail.empty()) out_ << "  " << detail;
    out_ << '\n';
    if (scheduler::is_failure(outcome.state) && record != nullptr) show_log(*record);
    failures_.on_stage(planned, outcome, record);
    annotations_.on_stage(planned.stage.id, outcome.state, record);
    if (record != nullptr) say(notes_of(planned, outcome, *record));
    flush(outcome.state);
  }

  void on_warning(const std::string& text) override {
    say("  warning: " + scheduler::escape_controls(text) + "\n");
  }

  void on_run_finished(const scheduler::RunSummary& summary, milliseconds elapsed) override {
    out_ << painted(result_word(summary.result)) << " in " << base::format_duration(elapsed) << ": "
         << counts_of(summary) << '\n';
    if (summary.timed_out)
      say("the run took longer than its timeout of " + base::format_duration(summary.timeout) +
          "\n");
    if (summary.result == scheduler::RunResult::kCancelled) say(resume_hint(run_id_));
    say(coverage_ + summary_hint(summarized_, run_id_) + annotations_.text(run_id_));
    out_ << failures_.text(run_id_) << std::flush;
  }

 private:
  // Thousands of cached stages may pass in a moment, each of which would be a system call. What
  // follows them flushes the rest.
  void flush(StageState state) {
    const auto now = std::chrono::steady_clock::now();
    if (state == StageState::kCached && now - flushed_ < kLeastBetweenFlushes) return;
    out_ << std::flush;
    flushed_ = now;
  }

  static Word result_word(scheduler::RunResult result) {
    switch (result) {
      case scheduler::RunResult::kSuccess:
        return {"succeeded", "32"};
      case scheduler::RunResult::kFailed:
        return {"FAILED", "1;31"};
      case scheduler::RunResult::kCancelled:
        return {"cancelled", "33"};
      case scheduler::RunResult::kError:
        break;
    }
    return {"ERROR", "1;31"};
  }

  // "1 FAILED, 5 ok (2 on a retry)".
  static std::string counts_of(const scheduler::RunSummary& summary) {
    std::map<std::string, std::size_t> counts;
    std::size_t retried = 0;
    for (const auto& stage : summary.stages) {
      ++counts[word_for(stage.state).text];
      if (stage.state == StageState::kSucceeded && stage.attempt > 1) ++retried;
    }
    std::string text;
    for (const auto& [word, count] : counts) {
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + word;
      if (word == word_for(StageState::kSucceeded).text && retried != 0)
        text += " (" + std::to_string(retried) + " on a retry)";
    }
    return text;
  }

  std::string painted(const Word& word) const {
    if (colour_ == Colour::kNo) return word.text;
    return std::string("\x1b[") + word.colour + "m" + word.text + "\x1b[0m";
  }

  void show_log(const run::StageRecord& record) {
    out_ << quoted_log(record.log_tail, showing_);
    if (!record.log_path.empty()) out_ << "    log: " << record.log_path << '\n';
    if (!record.failed_service) return;
    out_ << quoted_service_log(*record.failed_service, showing_)
         << "    log: " << record.failed_service->log_path << '\n';
  }

  // What pushes the log of a failure up, so that it is no longer what stands last.
  void say(const std::string& lines) {
    out_ << lines;
    if (!lines.empty()) failures_.on_other_lines();
  }

  std::string notes_of(const scheduler::PlannedStage& planned,
                       const scheduler::StageOutcome& outcome, const run::StageRecord& record) {
    std::string lines =
        network_lines(record.connections, outcome.state) + cache_lines(record.caches);
    // One that failed says so with the reason.
    if (record.report && outcome.state == StageState::kSucceeded)
      lines += denied_lines(*record.report);
    if (record.tests && outcome.state != StageState::kCached) {
      lines += stage_test_lines(*record.tests);
      if (scheduler::is_final(outcome.state)) lines += unmatched_quarantine_lines(*record.tests);
      if (!FailureSummary::tells_of(outcome.state)) lines += failed_tests_lines(*record.tests);
    }
    if (record.coverage) lines += note_coverage(planned, outcome, *record.coverage);
    if (record.summary && scheduler::is_final(outcome.state))
      summarized_.push_back(planned.stage.id);
    return lines;
  }

  // The problems at once, the line at the end of the run, where people look.
  std::string note_coverage(const scheduler::PlannedStage& planned,
                            const scheduler::StageOutcome& outcome,
                            const run::StageCoverage& coverage) {
    if (scheduler::is_final(outcome.state)) {
      std::ostringstream line;
      line << "  " << std::left << std::setw(static_cast<int>(width_)) << planned.stage.id << "  "
           << coverage_line(coverage) << '\n';
      coverage_ += line.str();
    }
    return coverage_problem_lines(coverage);
  }

  // What was refused also of a stage that succeeded: it may have gone another way than it should.
  static std::string network_lines(const run::ConnectionSummary& connections, StageState state) {
    std::string lines;
    for (const std::string& told :
         {run::describe_refusals(connections),
          state == StageState::kSucceeded ? "" : run::describe_unreached(connections),
          run::describe_losses(connections)}) {
      if (!told.empty()) lines += "    network: " + scheduler::escape_controls(told) + "\n";
    }
    return lines;
  }

  static std::string denied_lines(const sandbox::ExitReport& report) {
    return report.denied_syscalls.empty() ? "" : "    " + report.describe() + "\n";
  }

  static std::string cache_lines(const std::vector<run::CacheReport>& caches) {
    std::string lines;
    for (const run::CacheReport& cache : caches)
      lines += "    cache " + scheduler::escape_controls(run::describe(cache)) + "\n";
    return lines;
  }

  static constexpr milliseconds kLeastBetweenFlushes{20};

  std::ostream& out_;
  Colour colour_;
  logs::Showing showing_;  ///< What stages wrote: nothing of it drives whatever reads this.
  std::size_t width_;
  std::chrono::steady_clock::time_point flushed_;
  std::string run_id_;
  std::string coverage_;                 ///< A line for each stage that ended with some.
  std::vector<std::string> summarized_;  ///< Stages that ended with a summary.
  AnnotationSummary annotations_;
  FailureSummary failures_;
};

// To the column behind the names: a longer one moves its own line, and not those of all.
std::size_t most_padding() {
  constexpr std::size_t kMost = 40;
  const auto size = window_size(STDOUT_FILENO);
  return size ? std::min<std::size_t>(kMost, size->ws_col / 2) : kMost;
}

}  // namespace

std::unique_ptr<run::RunListener> make_console(std::ostream& out, const scheduler::Plan& plan,
                                               Colour colour) {
  std::size_t width = 0;
  for (const auto& planned : plan.stages()) width = std::max(width, planned.stage.id.size());
  return make_console(out, std::min(width, most_padding()), colour);
}

std::unique_ptr<run::RunListener> make_console(std::ostream& out, std::size_t width,
                                               Colour colour) {
  return std::make_unique<Console>(out, width, colour);
}

Colour colour_of_stdout() {
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool wanted = no_color == nullptr || *no_color == '\0';
  const bool dumb = term == nullptr || std::string_view(term) == "dumb";
  return wanted && !dumb && ::isatty(STDOUT_FILENO) == 1 ? Colour::kYes : Colour::kNo;
}

}  // namespace stagebox::cli
