// Hands a secret to a sandbox as its stage declares it: as a file, and on request as a variable.
#pragma once

#include "runtime/base/result.h"
#include "runtime/run/engine/launcher.h"
#include "runtime/run/secrets/secrets.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// kInvalid when the secret is wanted as a variable and cannot be one.
base::Result<void> check_variable(const scheduler::StageSecret& secret, const Secrets& secrets);

/// `secrets` must have it, and outlives the request. kInvalid for a variable with a NUL byte.
base::Result<void> add_secret(const scheduler::StageSecret& secret, const Secrets& secrets,
                              LaunchRequest& request);

}  // namespace stagebox::run
