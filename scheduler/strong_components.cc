#include "scheduler/strong_components.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace stagebox::scheduler {
namespace {

constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

// Tarjan's algorithm, with the path from the root kept by hand.
class ComponentFinder {
 public:
  explicit ComponentFinder(const Successors& successors)
      : successors_(successors),
        reached_(successors.size(), kNone),
        lowest_(successors.size(), kNone),
        component_(successors.size(), kNone) {}

  std::vector<std::size_t> find() && {
    for (std::size_t root = 0; root < successors_.size(); ++root) {
      if (reached_[root] == kNone) walk(root);
    }
    return std::move(component_);
  }

 private:
  struct Step {
    std::size_t node;
    std::size_t next = 0;  // The index of the successor to look at next.
  };

  void walk(std::size_t root) {
    enter(root);
    while (!path_.empty()) {
      Step& step = path_.back();
      if (step.next == successors_[step.node].size())
        leave(step.node);
      else
        look_at(step.node, successors_[step.node][step.next++]);
    }
  }

  void enter(std::size_t node) {
    reached_[node] = lowest_[node] = count_++;
    open_.push_back(node);
    path_.push_back({node});
  }

  void look_at(std::size_t node, std::size_t next) {
    if (reached_[next] == kNone)
      enter(next);
    else if (component_[next] == kNone)
      lowest_[node] = std::min(lowest_[node], reached_[next]);
  }

  void leave(std::size_t node) {
    path_.pop_back();
    if (lowest_[node] == reached_[node]) {
      complete(node);
      return;
    }
    const std::size_t before = path_.back().node;
    lowest_[before] = std::min(lowest_[before], lowest_[node]);
  }

  // Nothing reached after `node` leads to what was reached before it: they are a component.
  void complete(std::size_t node) {
    const auto begin = std::ranges::find(open_.rbegin(), open_.rend(), node).base() - 1;
    const std::size_t smallest = *std::min_element(begin, open_.end());
    for (auto member = begin; member != open_.end(); ++member) component_[*member] = smallest;
    open_.erase(begin, open_.end());
  }

  const Successors& successors_;
  std::size_t count_ = 0;
  std::vector<std::size_t> reached_;    // When; kNone: not yet.
  std::vector<std::size_t> lowest_;     // When the first open node was reached that it leads to.
  std::vector<std::size_t> component_;  // kNone: not complete.
  std::vector<std::size_t> open_;       // Reached, and in no component yet.
  std::vector<Step> path_;
};

}  // namespace

std::vector<std::size_t> strong_components(const Successors& successors) {
  return ComponentFinder(successors).find();
}

}  // namespace stagebox::scheduler
