#include "runtime/run/stage_outcome.h"

#include <sys/wait.h>

#include <variant>

#include "runtime/base/full_disk.h"
#include "runtime/base/shortage.h"
#include "sandbox/fork_server/helper.h"

namespace stagebox::run {
namespace {

using scheduler::FailureCause;
using scheduler::StageOutcome;
using scheduler::StageState;

StageOutcome failed(FailureCause cause, int exit_status = 0) {
  return {.state = StageState::kFailed, .cause = cause, .exit_status = exit_status};
}

struct OutcomeOf {
  StageOutcome operator()(const sandbox::Exited& end) const {
    return failed(FailureCause::kExit, end.status);
  }
  StageOutcome operator()(const sandbox::TimedOut& /*end*/) const {
    return failed(FailureCause::kTimeout);
  }
  StageOutcome operator()(const sandbox::OomKilled& end) const {
    if (end.limit != 0) return failed(FailureCause::kOom);
    return {.state = StageState::kError, .cause = FailureCause::kInfrastructure};
  }
  StageOutcome operator()(const sandbox::Cancelled& /*end*/) const {
    return {.state = StageState::kCancelled};
  }
  StageOutcome operator()(const sandbox::Signaled& /*end*/) const {
    return failed(FailureCause::kOther);
  }
  StageOutcome operator()(const sandbox::LimitHit& end) const {
    if (end.wait_status && WIFEXITED(*end.wait_status))
      return failed(FailureCause::kExit, WEXITSTATUS(*end.wait_status));
    if (end.which != sandbox::LimitHit::Which::kHostDiskFull) return failed(FailureCause::kOther);
    return {.state = StageState::kError, .cause = FailureCause::kInfrastructure};
  }
};

}  // namespace

StageOutcome outcome_of(const sandbox::ExitReport& report) {
  StageOutcome outcome = std::visit(OutcomeOf{}, report.cause);
  outcome.detail = outcome.state == StageState::kCancelled ? "cancelled" : report.describe();
  return outcome;
}

StageOutcome outcome_of(const base::Error& error) {
  if (error.kind == base::ErrorKind::kCancelled)
    return {.state = StageState::kCancelled, .detail = error.message};
  StageOutcome outcome{.state = StageState::kError,
                       .detail = base::with_remedy(error),
                       .cause = FailureCause::kRefused};
  // Another attempt of this process can only fail again.
  if (error.errno_value == sandbox::kHelperGone) return outcome;
  if (error.kind == base::ErrorKind::kSystem || base::is_shortage(error.errno_value))
    outcome.cause = FailureCause::kInfrastructure;
  else if (error.kind == base::ErrorKind::kInvalid)
    outcome.state = StageState::kFailed;
  return outcome;
}

}  // namespace stagebox::run
