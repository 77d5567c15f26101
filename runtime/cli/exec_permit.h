// What `stagebox exec` asks for, before the policy.
#pragma once

#include <optional>

#include "runtime/base/digest.h"
#include "runtime/base/result.h"
#include "runtime/cli/command_line/options.h"
#include "runtime/run/engine/permit.h"

namespace stagebox::cli {

/// The same options with the paths of what is mounted and of the seccomp profile absolute and
/// without links, so that what the policy judges is what is opened. kNotFound when one is not
/// there.
base::Result<ExecOptions> with_real_paths(ExecOptions options);

/// `options` from with_real_paths(); `network` is that of --network.
base::Result<run::Permit> permit_exec(const ExecOptions& options,
                                      const scheduler::Network& network);

/// --digest. kInvalid when it is none.
base::Result<std::optional<base::Digest>> pinned_digest(const ExecOptions& options);

}  // namespace stagebox::cli
