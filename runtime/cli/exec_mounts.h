// What `stagebox exec` mounts into its sandbox: --mount and --tmpfs.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/cli/command_line/options.h"
#include "runtime/run/engine/launcher.h"
#include "runtime/run/engine/local_engine.h"
#include "sandbox/spec/root_spec.h"

namespace stagebox::cli {

/// Opens the sources of `options.mounts` and adds them, and `options.tmpfs`, to `request`, whose
/// user is known by then. kInvalid names the option.
base::Result<void> add_mounts(const ExecOptions& options, run::LocalEngine& engine,
                              run::LaunchRequest& request);

/// An absolute path, and a size as in "64MiB", or "" for that one.
base::Result<sandbox::Tmpfs> parse_tmpfs(const std::string& path, const std::string& size);

}  // namespace stagebox::cli
