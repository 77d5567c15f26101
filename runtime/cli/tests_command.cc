// The command `tests`: what became of the tests of a run, and what that is beside earlier runs.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <functional>
#include <iomanip>
#include <iostream>
#include <string_view>
#include <tuple>
#include <vector>

#include "runtime/base/units.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/coverage_listing.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/json_text.h"
#include "runtime/cli/test_lines.h"
#include "runtime/run/findings/run_tests.h"
#include "runtime/run/state/stored_state.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using base::Result;
using nlohmann::json;
using test_reports::TestCase;
using test_reports::TestStatus;

constexpr std::size_t kMessageLines = 20;

std::string_view word_for(TestStatus status) {
  switch (status) {
    case TestStatus::kPassed:
      return "passed";
    case TestStatus::kFailed:
      return "failed";
    case TestStatus::kSkipped:
      break;
  }
  return "skipped";
}

std::string shown(const std::string& text) { return scheduler::escape_controls(text); }

std::chrono::microseconds took(const TestCase* test) {
  return test->took.value_or(std::chrono::microseconds(0));
}

json case_json(const TestCase& test) {
  json document{{"suite", test.suite},
                {"name", test.name},
                {"status", std::string(word_for(test.status))},
                {"message", test.message},
                {"detail", test.detail}};
  if (test.took) document["took_us"] = test.took->count();
  return document;
}

// Of a message, below the case.
void print_first_line(const std::string& message) {
  if (!message.empty()) std::cout << "    " << shown(message.substr(0, message.find('\n'))) << '\n';
}

// Of a case that is known by its suite and name.
void print_flaky_name(const std::pair<std::string, std::string>& name) {
  TestCase test;
  std::tie(test.suite, test.name) = name;
  std::cout << "  FLAKY " << shown(test.full_name());
}

// One stage: which of its cases are listed, as text or JSON.
class StageListing {
 public:
  StageListing(const run::TestedStage& stage, const run::TestHistory& history,
               const TestsOptions& options)
      : stage_(stage), history_(history), options_(options) {
    for (const TestCase& test : stage.results.cases) {
      if (is_listed(test)) listed_.push_back(&test);
    }
    if (options.slowest == 0) return;
    std::ranges::stable_sort(listed_, std::greater<>(), took);
    listed_.resize(std::min(listed_.size(), options.slowest));
  }

  void print() const;
  [[nodiscard]] json to_json() const;

 private:
  [[nodiscard]] bool is_listed(const TestCase& test) const {
    const bool failed = test.status == TestStatus::kFailed;
    if (options_.failed && !failed) return false;
    if (options_.fresh) return history_.is_new_failure(test);
    if (options_.fixed) return history_.is_fixed(test);
    return failed || options_.slowest != 0 || options_.format == OutputFormat::kJson;
  }
  void print_flaky() const;
  void print_passed_on_retry() const;
  void print_line(const TestCase& test) const;

  const run::TestedStage& stage_;
  const run::TestHistory& history_;
  const TestsOptions& options_;
  std::vector<const TestCase*> listed_;
};

void StageListing::print() const {
  std::cout << stage_.stage << ": "
            << test_counts(stage_.report, stage_.results.count_quarantined());
  if (stage_.attempt == 0) std::cout << " (taken from the stage cache)";
  if (stage_.attempt > 1) std::cout << " (attempt " << stage_.attempt << ')';
  std::cout << '\n';
  for (const std::string& problem : stage_.results.problems)
    std::cout << "  " << shown(problem) << '\n';
  if (options_.flaky) return print_flaky();
  if (listed_.empty() && options_.fresh) std::cout << "  no new failures\n";
  if (listed_.empty() && options_.fixed) std::cout << "  no fixed tests\n";
  const bool is_filtered =
      options_.failed || options_.fresh || options_.fixed || options_.slowest != 0;
  if (!is_filtered) print_passed_on_retry();
  for (const TestCase* test : listed_) {
    const bool with_message = options_.slowest == 0 && test->status == TestStatus::kFailed;
    if (with_message) {
      std::cout << failed_case_lines(
          *test, "  ", kMessageLines,
          stage_.results.is_quarantined(*test) ? "QUARANTINED" : "FAILED");
    } else {
      print_line(*test);
    }
    if (options_.details && test->status == TestStatus::kFailed)
      std::cout << detail_lines(*test, "      ");
  }
}

void StageListing::print_line(const TestCase& test) const {
  const auto duration = std::chrono::duration_cast<std::chrono::milliseconds>(took(&test));
  std::cout << "  " << std::left << std::setw(9) << base::format_duration(duration) << ' '
            << word_for(test.status) << "  " << shown(test.full_name()) << '\n';
}

void StageListing::print_passed_on_retry() const {
  for (const auto& [name, found] : history_.passed_on_retry()) {
    print_flaky_name(name);
    std::cout << ": failed in " << base::counted(found.failed, "attempt") << ", passed on attempt "
              << stage_.attempt << '\n';
    print_first_line(found.message);
  }
}

void StageListing::print_flaky() const {
  if (history_.flaky().empty()) std::cout << "  no flaky tests\n";
  for (const auto& [name, found] : history_.flaky()) {
    print_flaky_name(name);
    std::cout << ": failed " << found.failed << " of " << found.failed + found.passed
              << " times with the same stage key, last in run " << found.last_failed_in << '\n';
    print_first_line(found.message);
  }
}

json StageListing::to_json() const {
  json document{{"stage", stage_.stage},
                {"attempt", stage_.attempt},
                {"cached", stage_.attempt == 0},
                {"passed", stage_.report.passed},
                {"failed", stage_.report.failed},
                {"skipped", stage_.report.skipped},
                {"quarantined", stage_.results.count_quarantined()},
                {"problems", stage_.results.problems},
                {"cases", json::array()},
                {"flaky", json::array()}};
  for (const TestCase* test : listed_) {
    json row = case_json(*test);
    row["quarantined"] = stage_.results.is_quarantined(*test);
    row["new"] = history_.is_new_failure(*test);
    row["fixed"] = history_.is_fixed(*test);
    document["cases"].push_back(std::move(row));
  }
  for (const auto& [name, found] : history_.flaky())
    document["flaky"].push_back({{"suite", name.first},
                                 {"name", name.second},
                                 {"passed", found.passed},
                                 {"failed", found.failed},
                                 {"last_failed_in", found.last_failed_in},
                                 {"message", found.message}});
  return document;
}

}  // namespace

Result<int> tests_command(const TestsOptions& options) {
  const run::StoredState state = TRY(run::StoredState::open());
  const std::string id = TRY(state.runs().find_run(options.run)).id;
  const store::RunDetails details = TRY(state.runs().show_run(id));
  if (options.coverage) return list_coverage(options, state, details);
  const store::TestReportStore reports = state.runs().test_reports();
  const auto stages = TRY(run::tested_stages(details, options.stage, state.content()));
  const bool as_json = options.format == OutputFormat::kJson;
  json document{{"run", id}, {"stages", json::array()}};
  for (const run::TestedStage& stage : stages) {
    const run::TestHistory history =
        TRY(run::test_history(details, stage, reports, state.content()));
    const StageListing listing(stage, history, options);
    if (as_json) {
      document["stages"].push_back(listing.to_json());
    } else {
      listing.print();
    }
  }
  if (as_json) std::cout << pretty(document);
  if (!as_json && stages.empty()) std::cout << "no stage of run " << id << " has test reports\n";
  return kSuccess;
}

}  // namespace stagebox::cli
