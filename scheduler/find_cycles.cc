#include "scheduler/find_cycles.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace stagebox::scheduler {
namespace {

constexpr std::size_t kNotReached = std::numeric_limits<std::size_t>::max();

class CycleFinder {
 public:
  explicit CycleFinder(const Successors& successors)
      : successors_(successors),
        component_(strong_components(successors)),
        before_(successors.size(), kNotReached) {}

  std::vector<Cycle> find() {
    std::vector<Cycle> cycles;
    for (std::size_t node = 0; node < successors_.size(); ++node) {
      if (points_to_itself(node)) cycles.push_back({node});
      if (component_[node] != node) continue;
      if (Cycle cycle = shortest_from(node); !cycle.empty()) cycles.push_back(std::move(cycle));
    }
    return cycles;
  }

 private:
  [[nodiscard]] bool points_to_itself(std::size_t node) const {
    return std::ranges::find(successors_[node], node) != successors_[node].end();
  }

  // Breadth first through the component of `first`, its smallest node, until there is a way back.
  Cycle shortest_from(std::size_t first) {
    std::vector<std::size_t> reached{first};
    for (std::size_t i = 0; i < reached.size(); ++i) {
      const std::size_t node = reached[i];
      for (const std::size_t next : successors_[node]) {
        if (next == first && node != first) return way(first, node);
        if (next == first || component_[next] != first || before_[next] != kNotReached) continue;
        before_[next] = node;
        reached.push_back(next);
      }
    }
    return {};
  }

  [[nodiscard]] Cycle way(std::size_t first, std::size_t last) const {
    Cycle nodes;
    for (std::size_t node = last; node != first; node = before_[node]) nodes.push_back(node);
    nodes.push_back(first);
    std::ranges::reverse(nodes);
    return nodes;
  }

  const Successors& successors_;
  std::vector<std::size_t> component_;
  std::vector<std::size_t> before_;  // On the shortest way from the first of the component.
};

}  // namespace

std::vector<Cycle> find_cycles(const Successors& successors) {
  return CycleFinder(successors).find();
}

}  // namespace stagebox::scheduler
