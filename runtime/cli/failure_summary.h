// FailureSummary: what stands last on the screen after a run that failed: what failed, how, what it
// wrote last, which of its tests failed, and what to do next. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "runtime/logs/shown_text.h"
#include "runtime/run/stage_record.h"
#include "scheduler/plan.h"
#include "scheduler/stage_state.h"

namespace stagebox::cli {

class FailureSummary {
 public:
  explicit FailureSummary(logs::Showing showing) : showing_(showing) {}

  /// Whether it tells of a stage that ended like this. Of others it says nothing.
  static bool tells_of(scheduler::StageState state);
  /// Every change of a stage. `record` may be null.
  void on_stage(const scheduler::PlannedStage& planned, const scheduler::StageOutcome& outcome,
                const run::StageRecord* record);
  /// Something was said that is neither of a stage's beginning or end nor of the run's end: the log
  /// of the last failure does not stand just above any more.
  void on_other_lines() { log_is_last_ = false; }
  /// Lines; empty when nothing failed.
  [[nodiscard]] std::string text(const std::string& run_id) const;

 private:
  struct Failure {
    std::string stage;
    std::string command;
    std::string detail;
    std::string usage;                  ///< A line, or nothing.
    std::string log;                    ///< Lines: the last ones of its log, and of the service's.
    std::string tests;                  ///< Lines: the failed test cases.
    std::vector<std::string> services;  ///< Whose logs may say why.
    std::vector<std::string> left;      ///< Its outputs that were kept.
    bool has_key = false;               ///< It got so far that a shell and `explain` know of it.
    bool has_log = false;
  };
  /// Who has more failures than that reads the first ones first.
  static constexpr std::size_t kMostShown = 5;

  static std::string describe(const Failure& failure, const std::string& run_id);

  logs::Showing showing_;
  std::vector<Failure> shown_;
  std::vector<std::string> others_;
  bool log_is_last_ = false;  ///< The console's last words were the log of the last failure.
};

}  // namespace stagebox::cli
