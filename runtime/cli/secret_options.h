// What --secret means, and which secrets a run takes from where.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/run/policy/policy.h"
#include "runtime/run/secrets/secrets.h"
#include "scheduler/plan.h"

namespace stagebox::cli {

/// The secrets that stages of the plan declare: from --secret, else from the policy. kInvalid for a
/// source that is none, for a secret that no stage of the file declares, for one that a stage
/// declares and nobody gives, and for any in an untrusted run. With `only_check` none is read, and
/// none needs to be given.
base::Result<run::Secrets> load_secrets(
    const std::vector<std::pair<std::string, std::string>>& given, const run::Policy& policy,
    const scheduler::Pipeline& pipeline, const scheduler::Plan& plan, bool only_check);

/// Those that were asked for in a sandbox of a person's own (exec, shell): NAME alone is the
/// policy's. They are permitted: an untrusted sandbox has none. kInvalid for one that nobody gives.
base::Result<run::Secrets> load_asked_secrets(
    const std::vector<std::pair<std::string, std::string>>& asked, const run::Policy& policy);
/// kInvalid for one that the stage does not declare.
base::Result<void> check_asked_of(const std::vector<std::pair<std::string, std::string>>& asked,
                                  const scheduler::Stage& stage);

}  // namespace stagebox::cli
