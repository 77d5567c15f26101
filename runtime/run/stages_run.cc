#include "runtime/run/stages_run.h"

namespace stagebox::run {

void StagesRun::note(const scheduler::PlannedStage& stage) {
  const std::lock_guard lock(mutex_);
  ran_.at(stage.index) = true;
}

bool StagesRun::any_above(const scheduler::PlannedStage& stage) const {
  const std::lock_guard lock(mutex_);
  std::vector<bool> seen(plan_.size());
  std::vector<std::size_t> todo{stage.index};
  while (!todo.empty()) {
    const scheduler::PlannedStage& next = plan_.stages().at(todo.back());
    todo.pop_back();
    for (const std::size_t edge : next.edges_in) {
      const std::size_t from = plan_.edges().at(edge).from;
      if (ran_[from]) return true;
      if (seen[from]) continue;
      seen[from] = true;
      todo.push_back(from);
    }
  }
  return false;
}

}  // namespace stagebox::run
