#include "runtime/run/memo/memo_machine.h"

#include <algorithm>

#include "sandbox/cgroup/machine_share.h"

namespace stagebox::run {

bool depends_on_machine(const scheduler::Plan& plan) {
  return std::ranges::any_of(plan.stages(), [](const scheduler::PlannedStage& planned) {
    const scheduler::Resources& wanted = planned.stage.resources;
    return wanted.cpus || wanted.cpuset || wanted.memory || wanted.shm_size || wanted.open_files;
  });
}

std::string machine_text() {
  const sandbox::MachineShare share = sandbox::machine_share();
  std::string text = std::to_string(share.cpus) + " cpus, " + std::to_string(share.memory) +
                     " bytes, " + std::to_string(share.open_files) + " files, processors";
  if (!share.processors) return text + " unknown";
  for (const unsigned number : *share.processors) text += " " + std::to_string(number);
  return text;
}

}  // namespace stagebox::run
