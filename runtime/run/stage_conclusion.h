// StageConclusion: what becomes of a stage whose last process is dead: its reports, its outputs,
// its caches, or what it left for `shell`; then its sandbox is removed.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <utility>

#include "runtime/run/engine/left_workspace.h"
#include "runtime/run/findings/test_results.h"
#include "runtime/run/output_capture.h"
#include "runtime/run/prepared_stage.h"
#include "runtime/run/run_context.h"
#include "runtime/run/stage_caches.h"
#include "runtime/run/stage_masking.h"
#include "runtime/run/stage_record.h"
#include "scheduler/stage_runner.h"

namespace stagebox::run {

/// All that it is made of outlives it.
class StageConclusion {
 public:
  StageConclusion(const RunContext& run, const scheduler::Stage& stage,
                  const PreparedStage& prepared, const CopyOnWriteMounts& mounts,
                  const StageMasking& masking, StageRecord& record, std::stop_token stop)
      : run_(run),
        stage_(stage),
        prepared_(prepared),
        mounts_(mounts),
        masking_(masking),
        record_(record),
        stop_(std::move(stop)) {}

  /// What its end, its reports and its outputs make of it; what succeeded is in the stage cache.
  /// kCancelled when it is stopped while they are taken.
  base::Result<scheduler::StageOutcome> conclude(Finished finished, StageCaches& caches);
  /// Of a stage that failed whatever it did itself: what it left is kept, and `failure` tells of
  /// it.
  base::Result<void> give_up(Finished& finished, scheduler::StageOutcome& failure);

 private:
  /// Of a stage that declares reports: they are stored, and the record says so.
  base::Result<std::optional<TestResults>> keep_tests(const Finished& finished);
  /// The same of coverage.
  base::Result<void> keep_coverage(const Finished& finished);
  /// And of its summary, if it wrote one.
  base::Result<void> keep_summary(const Finished& finished);
  [[nodiscard]] std::optional<scheduler::StageOutcome> find_failure(
      const sandbox::ExitReport& report, const std::optional<TestResults>& tests,
      bool forgiven) const;
  base::Result<Capture> take_outputs(LeftWorkspace& left, StageCaches& caches) const;
  void keep_outputs_of_failure(LeftWorkspace& left, scheduler::StageOutcome& failure);
  base::Result<Capture> take_outputs_of_failure(LeftWorkspace& left) const;
  void keep_left(LeftWorkspace& left);
  /// For later runs. Why it could not be done; empty: it was.
  [[nodiscard]] std::string note_in_cache(const Finished& finished) const;
  [[nodiscard]] store::StageResult result_of(const Finished& finished) const;
  [[nodiscard]] const SecretAutomaton* secrets() const { return masking_.of_leaks(); }

  const RunContext& run_;
  const scheduler::Stage& stage_;
  const PreparedStage& prepared_;
  const CopyOnWriteMounts& mounts_;
  const StageMasking& masking_;
  StageRecord& record_;
  std::stop_token stop_;
};

}  // namespace stagebox::run
