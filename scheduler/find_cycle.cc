#include "scheduler/find_cycle.h"

#include <algorithm>

namespace stagebox::scheduler {
namespace {

enum class Mark { kNew, kOpen, kDone };

struct Step {
  std::size_t node;
  std::size_t next = 0;  // The index of the successor to look at next.
};

std::vector<std::size_t> cycle_on(const std::vector<Step>& path, std::size_t from) {
  const auto begin = std::ranges::find(path, from, &Step::node);
  std::vector<std::size_t> cycle;
  for (auto step = begin; step != path.end(); ++step) cycle.push_back(step->node);
  return cycle;
}

}  // namespace

std::vector<std::size_t> find_cycle(const std::vector<std::vector<std::size_t>>& successors) {
  std::vector<Mark> marks(successors.size(), Mark::kNew);
  std::vector<Step> path;
  for (std::size_t root = 0; root < successors.size(); ++root) {
    if (marks[root] != Mark::kNew) continue;
    path.push_back({root});
    marks[root] = Mark::kOpen;
    while (!path.empty()) {
      Step& step = path.back();
      if (step.next == successors[step.node].size()) {
        marks[step.node] = Mark::kDone;
        path.pop_back();
        continue;
      }
      const std::size_t next = successors[step.node][step.next++];
      if (marks[next] == Mark::kOpen) return cycle_on(path, next);
      if (marks[next] == Mark::kNew) {
        marks[next] = Mark::kOpen;
        path.push_back({next});
      }
    }
  }
  return {};
}

}  // namespace stagebox::scheduler
