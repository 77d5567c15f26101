// SchedulerState: which stages of a plan may run now, and what becomes of the others when one ends.
// Pure: no thread, no clock, no process. Scheduler turns its decisions into action.
#pragma once

#include <cstddef>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "scheduler/plan.h"
#include "scheduler/ready_queue.h"
#include "scheduler/scheduler_options.h"
#include "scheduler/stage_state.h"

namespace stagebox::scheduler {

/// The rules, for a stage all of whose needed stages are final:
/// - It is skipped when its `if` is false.
/// - It is skipped when an input's output does not exist, whatever `when` says. Of a stage that
///   failed those exist that it left (StageOutcome::left).
/// - `when: success`: runs when all counts_as_success(); else it is skipped.
/// - `when: failure`: runs when at least one failed, had an error, or was itself skipped because of
///   a failure before it; else it is skipped.
/// - `when: always`: runs.
/// A skip because of a failure hands the failure on; a skip because nothing failed, or because of
/// an allowed failure, does not.
///
/// An attempt that failed is followed by another one if the stage's `retry` says so, unless nothing
/// is to be started any more. Meanwhile the stage is not final and takes no slot; nor does one that
/// was taken and is put off. Not thread-safe.
class SchedulerState {
 public:
  struct Change {
    std::size_t index = 0;
    StageOutcome outcome;
  };
  using Changes = std::vector<Change>;

  /// The plan outlives this.
  SchedulerState(const Plan& plan, const SchedulerOptions& options);

  /// The stages that wait for nothing become ready. Call once, first.
  Changes begin();
  /// Takes the ready stage to start next: the one with the longest way from its start to the end of
  /// the run for which there is room; see ReadyQueue.
  std::optional<std::size_t> take_next();
  /// A stage that was taken really runs, as its next attempt.
  Change begun(std::size_t index);
  /// An attempt of a stage that was taken ended, or the stage is put off before it begins (kReady).
  /// Returns its own change (it may be tried again, or a failure be allowed) and all that follow.
  Changes finished(std::size_t index, StageOutcome outcome);
  /// The wait of a kRetrying stage, or of one that was put off, is over: it is ready again. Nothing
  /// for any other.
  Changes retry(std::size_t index);
  /// Nothing is started any more, because of `why`: all that was not taken is cancelled.
  Changes cancel(std::string_view why = "the run was cancelled");

  [[nodiscard]] const StageOutcome& outcome(std::size_t index) const { return outcomes_[index]; }
  [[nodiscard]] const std::vector<StageOutcome>& outcomes() const { return outcomes_; }
  /// Stages that take_next() may return, now or when there is room.
  [[nodiscard]] std::size_t ready() const { return ready_.size(); }
  /// See ReadyQueue.
  [[nodiscard]] std::size_t free_slots() const { return ready_.free_slots(); }
  /// Stages that were taken and have not finished.
  [[nodiscard]] std::size_t running() const { return ready_.taken(); }
  /// Every stage is final.
  [[nodiscard]] bool done() const { return open_ == 0; }

 private:
  struct Decision {
    bool run = false;
    bool hands_on_failure = false;  // Of a skip.
    std::string reason = {};
    std::optional<std::size_t> because_of = {};  // Of a skip: a stage that did not succeed.
  };

  void set(std::size_t index, StageOutcome outcome, Changes& changes);
  void settle(std::vector<std::size_t> ended, Changes& changes);
  void decide_on(std::size_t index, std::vector<std::size_t>& ended, Changes& changes);
  void stop_others(Changes& changes);
  void put_off(std::size_t index, StageOutcome outcome, Changes& changes);
  void conclude(std::size_t index, StageOutcome outcome, Changes& changes);
  [[nodiscard]] bool tries_again(std::size_t index, const StageOutcome& outcome) const;
  [[nodiscard]] StageOutcome waiting_to_retry(const Retry& retry, StageOutcome outcome);
  [[nodiscard]] bool may_start(const PlannedStage& stage) const;
  [[nodiscard]] Decision decide(const PlannedStage& stage) const;
  [[nodiscard]] Decision decide_success(const PlannedStage& stage) const;
  [[nodiscard]] bool output_exists(const PlanEdge& edge) const;
  [[nodiscard]] std::optional<Decision> missing_output(const PlannedStage& stage) const;
  [[nodiscard]] std::string why_missing(const PlanEdge& edge) const;
  [[nodiscard]] std::string why_skipped(std::size_t index) const;
  [[nodiscard]] std::optional<std::size_t> needed_failure(const PlannedStage& stage) const;

  const Plan& plan_;
  SchedulerOptions options_;
  std::minstd_rand random_;
  std::vector<StageOutcome> outcomes_;
  std::vector<std::size_t> waiting_for_;  // Edges from stages that are not final.
  std::vector<bool> failed_;              // Failed, or skipped because of a failure.
  // Of a stage that was skipped, through others that were: where it began, which may be itself.
  std::vector<std::size_t> skip_roots_;
  ReadyQueue ready_;
  std::optional<std::size_t> first_failure_;  // Under kFailFast.
  std::vector<bool> taken_;
  std::set<std::size_t> put_off_;
  std::vector<unsigned> attempts_;  // That were begun.
  std::size_t open_ = 0;
  bool cancelled_ = false;
};

}  // namespace stagebox::scheduler
