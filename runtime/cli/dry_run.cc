#include "runtime/cli/dry_run.h"

#include <unistd.h>

#include <iostream>

#include "runtime/cli/exit_status.h"
#include "runtime/run/engine/host_state.h"
#include "runtime/run/stage_estimates.h"
#include "scheduler/starting_order.h"

namespace stagebox::cli {
namespace {

// None where nothing has run yet, and where that cannot be read: the run will say so, and here
// nothing but the order depends on it.
scheduler::StageEstimates known_estimates(const LoadedPipeline& loaded,
                                          const scheduler::Plan& plan) {
  const auto home = run::existing_home();
  if (!home || ::access(home->run_database().c_str(), F_OK) != 0) return {};
  const auto runs = store::RunStore::open(home->run_database());
  if (!runs.ok()) return {};
  auto estimates =
      run::stage_estimates(plan, *runs, run::recorded_name(loaded.pipeline, loaded.path));
  return estimates.ok() ? std::move(*estimates) : scheduler::StageEstimates();
}

}  // namespace

int dry_run(const LoadedPipeline& loaded, const scheduler::Plan& plan) {
  for (const std::size_t index : scheduler::starting_order(plan, known_estimates(loaded, plan)))
    std::cout << plan.stages()[index].stage.id << '\n';
  return kSuccess;
}

}  // namespace stagebox::cli
