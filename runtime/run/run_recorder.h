// RunRecorder: writes each change of a run's stages into the run store before anybody is told of
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "runtime/base/result.h"
#include "runtime/run/run_listener.h"
#include "runtime/run/stage_record.h"
#include "runtime/store/run_store.h"
#include "scheduler/stage_runner.h"

namespace stagebox::run {

/// For one run. A failure to write is kept for the end: the run goes on.
class RunRecorder final : public scheduler::RunObserver {
 public:
  /// All references outlive it. `earlier` has the number of the last attempt of each stage before
  /// the run was resumed.
  RunRecorder(const store::RunStore& runs, std::string run_id, const StageRecords& records,
              RunListener& listener, std::map<std::string, std::int64_t> earlier)
      : runs_(runs),
        run_id_(std::move(run_id)),
        records_(records),
        listener_(listener),
        earlier_(std::move(earlier)) {}

  void on_stage_state(const scheduler::PlannedStage& planned,
                      const scheduler::StageOutcome& outcome) override;

  /// The first one.
  base::Result<void> take_failure() { return std::move(failure_); }

 private:
  /// What is known so far of a stage and its attempt.
  struct Progress {
    store::StageRow stage;
    store::AttemptRow attempt;
  };
  void update(Progress& progress, const scheduler::StageOutcome& outcome,
              const StageRecord* record) const;
  static void fill(Progress& progress, const StageRecord& record);

  const store::RunStore& runs_;
  std::string run_id_;
  const StageRecords& records_;
  RunListener& listener_;
  std::map<std::string, std::int64_t> earlier_;
  std::map<std::size_t, Progress> progress_;
  base::Result<void> failure_;
};

}  // namespace stagebox::run
