// SchedulerState: which stages of a plan may run now, and what becomes of the others when one ends.
// Pure: no thread, no clock, no process. Scheduler turns its decisions into action.
#pragma once

#include <cstddef>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "scheduler/plan.h"
#include "scheduler/stage_state.h"

namespace stagebox::scheduler {

enum class FailPolicy {
  kKeepGoing,  ///< A failure stops what depends on it and nothing else.
  kFailFast,   ///< After a failure only stages with `when: failure` or `always` are started.
};

/// The rules, for a stage all of whose needed stages are final:
/// - It is skipped when its `if` is false.
/// - It is skipped when an input's output does not exist, whatever `when` says.
/// - `when: success`: runs when all counts_as_success(); else it is skipped.
/// - `when: failure`: runs when at least one failed, had an error, or was itself skipped because of
///   a failure before it; else it is skipped.
/// - `when: always`: runs.
/// A skip because of a failure hands the failure on; a skip because nothing failed, or because of
/// an allowed failure, does not. Not thread-safe.
class SchedulerState {
 public:
  struct Change {
    std::size_t index = 0;
    StageOutcome outcome;
  };
  using Changes = std::vector<Change>;

  /// The plan outlives this.
  SchedulerState(const Plan& plan, FailPolicy policy);

  /// The stages that wait for nothing become ready. Call once, first.
  Changes begin();
  /// The ready stage to start next: the one with the longest way to go after it, of equals the
  /// first in the file.
  [[nodiscard]] std::optional<std::size_t> next_ready() const;
  /// A ready stage was started.
  Change started(std::size_t index);
  /// A running stage ended. Returns its own change (a failure may be allowed) and all that follow.
  Changes finished(std::size_t index, StageOutcome outcome);
  /// Nothing is started any more: all that is not running is cancelled.
  Changes cancel();

  [[nodiscard]] const StageOutcome& outcome(std::size_t index) const { return outcomes_[index]; }
  [[nodiscard]] const std::vector<StageOutcome>& outcomes() const { return outcomes_; }
  [[nodiscard]] std::size_t running() const { return running_; }
  /// Every stage is final.
  [[nodiscard]] bool done() const { return open_ == 0; }

 private:
  struct Decision {
    bool run = false;
    bool hands_on_failure = false;  // Of a skip.
    std::string reason = {};
  };

  void set(std::size_t index, StageOutcome outcome, Changes& changes);
  void settle(std::vector<std::size_t> ended, Changes& changes);
  void decide_on(std::size_t index, std::vector<std::size_t>& ended, Changes& changes);
  void stop_others(Changes& changes);
  [[nodiscard]] Decision decide(const PlannedStage& stage) const;
  [[nodiscard]] Decision decide_success(const PlannedStage& stage) const;
  [[nodiscard]] std::optional<Decision> missing_output(const PlannedStage& stage) const;
  [[nodiscard]] std::optional<std::size_t> needed_failure(const PlannedStage& stage) const;
  [[nodiscard]] std::pair<std::size_t, std::size_t> priority(std::size_t index) const;

  const Plan& plan_;
  FailPolicy policy_;
  std::vector<StageOutcome> outcomes_;
  std::vector<std::size_t> waiting_for_;  // Edges from stages that are not final.
  std::vector<bool> failed_;              // Failed, or skipped because of a failure.
  std::set<std::pair<std::size_t, std::size_t>> ready_;
  std::optional<std::size_t> first_failure_;  // Under kFailFast.
  std::size_t running_ = 0;
  std::size_t open_ = 0;
  bool cancelled_ = false;
};

}  // namespace stagebox::scheduler
