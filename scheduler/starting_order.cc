#include "scheduler/starting_order.h"

#include "scheduler/ready_queue.h"

namespace stagebox::scheduler {

std::vector<std::size_t> starting_order(const Plan& plan, const StageEstimates& estimates) {
  ReadyQueue ready(plan, critical_paths(plan, estimates), 1, {});
  std::vector<std::size_t> waiting_for(plan.size());
  for (const PlannedStage& stage : plan.stages()) {
    waiting_for[stage.index] = stage.edges_in.size();
    if (stage.edges_in.empty()) ready.add(stage.index);
  }
  std::vector<std::size_t> order;
  while (const auto index = ready.take()) {
    order.push_back(*index);
    ready.release(*index);
    for (const std::size_t edge : plan.stages()[*index].edges_out) {
      const std::size_t to = plan.edges()[edge].to;
      if (--waiting_for[to] == 0) ready.add(to);
    }
  }
  return order;
}

}  // namespace stagebox::scheduler
