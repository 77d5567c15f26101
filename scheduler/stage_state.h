// StageState and StageOutcome: what became of a stage in a run, for the scheduler, the console and
// the run store. How its process ended in detail is the sandbox's ExitReport.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

namespace stagebox::scheduler {

enum class StageState {
  kPending,         ///< Waits for other stages.
  kReady,           ///< Waits for a slot, or it is being found out whether it has to run.
  kRunning,         ///< Its sandbox runs.
  kRetrying,        ///< An attempt failed; waits for the next one.
  kSucceeded,       ///< Its outputs are stored.
  kCached,          ///< The same, from an earlier run.
  kFailed,          ///< The stage's own doing: exit status, limit, missing output, unusable input.
  kAllowedFailure,  ///< Failed, as its `allow_failure` allows.
  kSkipped,         ///< Not started; `detail` says why.
  kCancelled,       ///< Stopped, or not started, because the run was cancelled.
  kError,           ///< We failed, not the stage.
};

/// Why an attempt did not succeed, as far as `retry` tells it apart.
enum class FailureCause {
  kNone,     ///< It succeeded, or was cancelled.
  kExit,     ///< It exited with `exit_status`.
  kTimeout,  ///< It ran longer than its own timeout.
  kOom,      ///< It needed more memory than its limit.
  kService,  ///< One of its services was not ready in time, or ended before the stage.
  kOther,    ///< Anything else that is the stage's doing: a signal, another limit, an output.
  kInfrastructure,  ///< The machine failed, not the stage: it may well succeed the next time.
  kRefused,         ///< It could not be run, and that will be the same the next time.
};

struct StageOutcome {
  StageState state = StageState::kPending;
  std::string detail = {};  ///< For people; may be empty.
  FailureCause cause = FailureCause::kNone;
  int exit_status = 0;  ///< With kExit.
  unsigned attempt =
      0;  ///< Which one this is about, from 1; 0 before the first. Set by SchedulerState.
  /// Of kRetrying, set by SchedulerState; and of kReady, see StageRunner::run().
  std::chrono::milliseconds retry_in{0};
  bool failed_tests = false;  ///< With kExit: its reports name cases that failed.
  /// Of a failure: names of those of its outputs that exist all the same.
  std::vector<std::string> left = {};
};

/// Whether nothing more will happen to the stage.
bool is_final(StageState state);
/// Whether all outputs exist that it has when it succeeds; see also StageOutcome::left.
bool has_outputs(StageState state);
/// Whether stages that wait for its success may run: has_outputs() or an allowed failure.
bool counts_as_success(StageState state);
/// Whether an attempt has failed: kFailed, kError, kAllowedFailure and kRetrying.
bool is_failure(StageState state);
/// Of a failure: whether it is the machine's or Stagebox's, and not the stage's doing.
bool is_ours(const StageOutcome& failure);
/// "succeeded", "allowed failure".
std::string_view to_string(StageState state);

}  // namespace stagebox::scheduler
