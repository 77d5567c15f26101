#include "runtime/cli/failure_summary.h"

#include <sstream>
#include <utility>
#include <variant>

#include "runtime/cli/shell_quote.h"
#include "runtime/cli/test_lines.h"
#include "runtime/run/run_logs.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using scheduler::StageState;

constexpr std::size_t kScriptLines = 10;

std::string lines_of(const std::string& script) {
  std::istringstream lines(script);
  std::string text;
  std::size_t count = 0;
  for (std::string line; std::getline(lines, line);) {
    if (++count > kScriptLines) return text + "    $ ...\n";
    text += "    $ " + scheduler::escape_controls(line) + "\n";
  }
  return text;
}

struct CommandLines {
  std::string operator()(const scheduler::Script& script) const { return lines_of(script.text); }
  std::string operator()(const scheduler::Argv& argv) const {
    std::string line;
    for (const std::string& word : argv.arguments)
      line += (line.empty() ? "" : " ") + shell_word(word);
    return "    $ " + scheduler::escape_controls(line) + "\n";
  }
};

}  // namespace

std::string quoted_log(const std::string& text) {
  std::istringstream lines(text);
  std::string quoted;
  for (std::string line; std::getline(lines, line);)
    quoted += "    | " + scheduler::escape_controls(line) + "\n";
  return quoted;
}

void FailureSummary::on_stage(const scheduler::PlannedStage& planned,
                              const scheduler::StageOutcome& outcome,
                              const run::StageRecord* record) {
  const bool failed = outcome.state == StageState::kFailed || outcome.state == StageState::kError;
  const bool has_tests = record != nullptr && record->tests;
  log_is_last_ = failed && record != nullptr && !record->log_tail.empty() && !has_tests;
  if (!failed) return;
  if (shown_.size() == kMostShown) {
    others_.push_back(planned.stage.id);
    log_is_last_ = false;
    return;
  }
  shown_.push_back(
      {planned.stage.id, std::visit(CommandLines{}, planned.stage.run), outcome.detail,
       record == nullptr ? "" : record->log_tail,
       has_tests ? failed_tests_lines(*record->tests) : "",
       record != nullptr && record->failed_service ? record->failed_service->name : ""});
}

std::string FailureSummary::describe(const Failure& failure, const std::string& run_id) {
  const std::string stage = shell_word(failure.stage);
  std::string text = "\n" + scheduler::escape_controls(failure.stage) + ": " +
                     scheduler::escape_controls(failure.detail) + "\n" + failure.command +
                     quoted_log(failure.log_tail) + failure.tests;
  if (!failure.tests.empty())
    text += "    all its tests:  stagebox tests " + run_id + " " + stage + "\n";
  text += "    the whole log:  stagebox logs " + run_id + " " + stage + "\n";
  if (!failure.service.empty())
    text += "    its service's:  stagebox logs " + run_id + " " +
            shell_word(failure.stage + run::kServiceMark + failure.service) + "\n";
  text += "    a shell in it:  stagebox shell " + run_id + " " + stage + "\n";
  return text + "    why it ran:     stagebox explain " + run_id + " " + stage + "\n";
}

std::string FailureSummary::text(const std::string& run_id) const {
  std::string text;
  for (const Failure& failure : shown_) {
    Failure told = failure;
    // Nothing came in between: it stands there already.
    if (log_is_last_ && shown_.size() == 1) told.log_tail.clear();
    text += describe(told, run_id);
  }
  if (others_.empty()) return text;
  text += "\nand " + std::to_string(others_.size()) + " more:";
  for (const std::string& stage : others_) text += " " + scheduler::escape_controls(stage);
  return text + "\n";
}

}  // namespace stagebox::cli
