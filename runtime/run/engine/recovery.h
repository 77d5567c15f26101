// Recovery: undoes what Stagebox processes left that died without cleaning up, and only that.
#pragma once

#include <functional>

#include "runtime/base/result.h"
#include "runtime/store/home.h"
#include "runtime/store/runs/run_store.h"

namespace stagebox::run {

/// Below the state directory: `sandboxes/<instance>/` holds the scratch directories of an instance.
inline constexpr char kSandboxesDir[] = "sandboxes";

/// Opens the record of runs; called only when something in it has to be put right.
using OpenRuns = std::function<base::Result<const store::RunStore*>()>;

/// Kills what is left of dead instances, removes their cgroups, scratch directories and unfinished
/// artifacts, and marks their unfinished runs as failed by us; the same for scratch directories
/// whose instance is not there, after a crash of the machine. Returns how many instances there
/// were.
base::Result<std::size_t> recover_dead_instances(const store::Home& home,
                                                 const OpenRuns& open_runs);

/// The part of it that needs neither a sandbox's ids nor its cgroups: the unfinished runs of dead
/// instances, and of those that are not there, are marked as failed by us. The instances stay: what
/// they left is undone by whoever opens the engine next.
base::Result<void> end_dead_runs(const store::Home& home, const store::RunStore& runs);

/// The same for runs whose instance is not there. Only who reads the record can see them; after
/// recover_dead_instances.
base::Result<void> end_forgotten_runs(const store::Home& home, const store::RunStore& runs);

}  // namespace stagebox::run
