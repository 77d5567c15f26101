// StageState and StageOutcome: what became of a stage in a run, for the scheduler, the console and
// the run store. How its process ended in detail is the sandbox's ExitReport.
#pragma once

#include <string>
#include <string_view>

namespace stagebox::scheduler {

enum class StageState {
  kPending,         ///< Waits for other stages.
  kReady,           ///< Waits for a worker.
  kRunning,         ///<
  kSucceeded,       ///< Its outputs are stored.
  kCached,          ///< The same, from an earlier run.
  kFailed,          ///< The stage's own doing: exit status, limit, missing output.
  kAllowedFailure,  ///< Failed, and `allow_failure` is set. Has no outputs.
  kSkipped,         ///< Not started; `detail` says why.
  kCancelled,       ///< Stopped, or not started, because the run was cancelled.
  kError,           ///< We failed, not the stage.
};

struct StageOutcome {
  StageState state = StageState::kPending;
  std::string detail;  ///< For people; may be empty.
};

/// Whether nothing more will happen to the stage.
bool is_final(StageState state);
/// Whether its outputs exist.
bool has_outputs(StageState state);
/// Whether stages that wait for its success may run: has_outputs() or an allowed failure.
bool counts_as_success(StageState state);
/// "succeeded", "allowed failure".
std::string_view to_string(StageState state);

}  // namespace stagebox::scheduler
