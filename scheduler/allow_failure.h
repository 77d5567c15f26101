// AllowFailure: which failures of a stage are none of the run's. Pure; asked when no attempt
// follows any more.
#pragma once

#include <set>
#include <string>

#include "scheduler/stage_state.h"

namespace stagebox::scheduler {

struct AllowFailure {
  enum class Which {
    kNone,
    kAll,        ///< Whatever is the stage's own doing.
    kExitCodes,  ///< Only that it exited with one of these.
  } which = Which::kNone;
  std::set<int> exit_codes = {};  ///< 1 to 255. With kExitCodes, and never empty then.

  bool operator==(const AllowFailure&) const = default;
};

/// Whether the failure with the cause of `outcome` is allowed. One that is not the stage's doing
/// never is.
bool allows(const AllowFailure& allowed, const StageOutcome& outcome);
/// What to add to the detail of a failure of the stage that is final, to say why it was allowed or
/// was not: "; `allow_failure` names exit code 77". Empty where there is nothing to choose from.
std::string why_allowed(const AllowFailure& allowed, const StageOutcome& outcome);

}  // namespace stagebox::scheduler
