#include "runtime/cli/failure_summary.h"

#include <algorithm>
#include <chrono>
#include <sstream>
#include <string_view>
#include <utility>
#include <variant>

#include "runtime/base/units.h"
#include "runtime/cli/attempt_text.h"
#include "runtime/cli/quoted_log.h"
#include "runtime/cli/shell_quote.h"
#include "runtime/cli/test_lines.h"
#include "runtime/cli/text_width.h"
#include "runtime/run/state/run_logs.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using scheduler::StageState;

// Of a longer script: where it begins, and where it most likely failed.
constexpr std::size_t kScriptHead = 6;
constexpr std::size_t kScriptEnd = 4;
constexpr std::size_t kLongestCommand = 500;  // columns
// A stage can have more services and outputs; theirs are written as these are.
constexpr std::size_t kMostCommands = 4;

constexpr std::string_view kPrompt = "    $ ";
constexpr std::string_view kContinued = "      ";

// Tabs are how people indent.
std::string command_line(std::string_view prompt, std::string_view line) {
  std::string text;
  for (;;) {
    const std::size_t tab = line.find('\t');
    text += scheduler::escape_controls(line.substr(0, tab));
    if (tab == std::string_view::npos) break;
    text += '\t';
    line.remove_prefix(tab + 1);
  }
  return std::string(prompt) + fit(text, kLongestCommand) + "\n";
}

// Where a command of a script begins is for a shell to say: a line may go on with the one above, or
// stand in a here-document.
std::string lines_of(const std::string& script) {
  std::istringstream stream(script);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  const std::size_t left_out =
      lines.size() > kScriptHead + kScriptEnd ? lines.size() - kScriptHead - kScriptEnd : 0;
  std::string text;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (left_out != 0 && i == kScriptHead) {
      text += "      ... (" + base::counted(left_out, "line") + " left out)\n";
      i += left_out;
    }
    text += command_line(i == 0 ? kPrompt : kContinued, lines[i]);
  }
  return text;
}

struct CommandLines {
  std::string operator()(const scheduler::Script& script) const { return lines_of(script.text); }
  std::string operator()(const scheduler::Argv& argv) const {
    std::string line;
    for (const std::string& word : argv.arguments)
      line += (line.empty() ? "" : " ") + shell_word(word);
    return command_line(kPrompt, line);
  }
};

std::string usage_line(const sandbox::Usage& usage) {
  const auto cpu =
      std::chrono::duration_cast<std::chrono::milliseconds>(usage.user_cpu + usage.system_cpu);
  return "    wall " + base::format_duration(usage.wall) + ", cpu " + base::format_duration(cpu) +
         ", peak memory " + base::format_bytes(usage.peak_memory) + "\n";
}

// Whose logs may say why it failed: the one that ended it, or else all that ran beside it.
std::vector<std::string> services_of(const scheduler::Stage& stage,
                                     const run::StageRecord& record) {
  if (record.failed_service) return {record.failed_service->name};
  std::vector<std::string> names;
  if (!record.report) return names;  // They start before the stage; whether they did is not known.
  for (const scheduler::Service& service : stage.services) names.push_back(service.name);
  return names;
}

// Commands one below the other, behind what they show; `rest`, where those that are left out are
// told.
std::string command_lines(std::string_view what, const std::vector<std::string>& commands,
                          std::string_view rest = "") {
  constexpr std::size_t kWidth = 16;
  std::string text;
  for (std::size_t i = 0; i < std::min(commands.size(), kMostCommands); ++i) {
    std::string before(i == 0 ? what : "");
    before.resize(kWidth, ' ');
    text += "    " + before + commands[i] + "\n";
  }
  if (commands.size() > kMostCommands)
    text += std::string(kWidth + 4, ' ') + "(and " +
            std::to_string(commands.size() - kMostCommands) + " more" + std::string(rest) + ")\n";
  return text;
}

std::string service_lines(const std::string& stage, const std::vector<std::string>& services,
                          const std::string& run_id) {
  const std::string log_of = stage + run::kServiceMark;
  std::vector<std::string> commands;
  for (const std::string& service : services)
    commands.push_back("stagebox logs " + run_id + " " + shell_word(log_of + service));
  return command_lines(services.size() == 1 ? "its service's:" : "its services':", commands);
}

std::string output_lines(const std::string& stage, const std::vector<std::string>& outputs,
                         const std::string& run_id) {
  const std::string list = "stagebox artifacts " + run_id;
  const std::string output_of = stage + ".";
  std::vector<std::string> commands;
  for (const std::string& output : outputs) {
    std::string& command = commands.emplace_back(list);
    command += " " + shell_word(output_of + output);
    command += " " + output;
  }
  return command_lines("what it left:", commands, ": " + list);
}

}  // namespace

bool FailureSummary::tells_of(StageState state) {
  return state == StageState::kFailed || state == StageState::kError;
}

void FailureSummary::on_stage(const scheduler::PlannedStage& planned,
                              const scheduler::StageOutcome& outcome,
                              const run::StageRecord* record) {
  const bool failed = tells_of(outcome.state);
  const bool has_tests = record != nullptr && record->tests;
  log_is_last_ = failed && !has_tests && record != nullptr;
  if (!failed) return;
  if (shown_.size() == kMostShown) {
    others_.push_back(planned.stage.id);
    log_is_last_ = false;
    return;
  }
  Failure failure;
  failure.stage = planned.stage.id;
  failure.command = std::visit(CommandLines{}, planned.stage.run);
  failure.detail = with_attempt(planned, outcome, outcome.detail);
  if (record != nullptr) {
    failure.has_key = true;
    failure.has_log = !record->log_path.empty();
    if (record->report) failure.usage = usage_line(record->report->usage);
    failure.log = quoted_log(record->log_tail, showing_);
    if (has_tests) failure.tests = failed_tests_lines(*record->tests);
    failure.services = services_of(planned.stage, *record);
    failure.left = outcome.left;
    if (record->failed_service)
      failure.log += quoted_service_log(*record->failed_service, showing_);
  }
  shown_.push_back(std::move(failure));
}

std::string FailureSummary::describe(const Failure& failure, const std::string& run_id) {
  const std::string stage = shell_word(failure.stage);
  std::string text = "\n" + scheduler::escape_controls(failure.stage) + ": " +
                     scheduler::escape_controls(failure.detail) + "\n" + failure.usage +
                     failure.command + failure.log + failure.tests;
  if (!failure.tests.empty())
    text += "    all its tests:  stagebox tests " + run_id + " " + stage + "\n";
  text += output_lines(failure.stage, failure.left, run_id);
  if (failure.has_log) text += "    the whole log:  stagebox logs " + run_id + " " + stage + "\n";
  text += service_lines(failure.stage, failure.services, run_id);
  if (!failure.has_key) return text;
  text += "    a shell in it:  stagebox shell " + run_id + " " + stage + "\n";
  return text + "    why it ran:     stagebox explain " + run_id + " " + stage + "\n";
}

std::string FailureSummary::text(const std::string& run_id) const {
  std::string text;
  for (const Failure& failure : shown_) {
    Failure told = failure;
    // Nothing came in between: it stands there already.
    if (log_is_last_ && shown_.size() == 1) told.log.clear();
    text += describe(told, run_id);
  }
  if (others_.empty()) return text;
  text += "\nand " + std::to_string(others_.size()) + " more:";
  for (const std::string& stage : others_) text += " " + scheduler::escape_controls(stage);
  return text + "\n";
}

}  // namespace stagebox::cli
