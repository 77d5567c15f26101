#include "scheduler/file/check_cycles.h"

#include <algorithm>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/units.h"
#include "scheduler/find_cycles.h"

namespace stagebox::scheduler {
namespace {

// More than one mends before asking again.
constexpr std::size_t kMaxTold = 20;
// Stages of a cycle.
constexpr std::size_t kMaxShown = 20;

std::set<Position> places(const Cycle& cycle, const std::vector<Stage>& stages) {
  std::set<Position> result;
  for (const std::size_t index : cycle) result.insert(stages[index].position);
  return result;
}

// Variants of the same stages may make a cycle for each of their values: that is one mistake.
std::vector<Cycle> one_of_variants(std::vector<Cycle> cycles, const std::vector<Stage>& stages) {
  std::vector<Cycle> result;
  std::set<std::set<Position>> seen;
  for (Cycle& cycle : cycles) {
    if (seen.insert(places(cycle, stages)).second) result.push_back(std::move(cycle));
  }
  return result;
}

void tell(const Cycle& cycle, const std::vector<Stage>& stages, Diagnostics& diagnostics) {
  std::string path;
  for (std::size_t i = 0; i < std::min(cycle.size(), kMaxShown); ++i)
    path += stages[cycle[i]].id + " -> ";
  if (cycle.size() > kMaxShown) path += "... -> ";
  const Stage& first = stages[cycle.front()];
  diagnostics.add(first.position, "the stages need each other in a cycle: " + path + first.id,
                  "remove one of these `needs` or `from`");
}

}  // namespace

void check_cycles(const Pipeline& pipeline, const Successors& needed_by_stage,
                  Diagnostics& diagnostics) {
  const std::vector<Stage>& stages = pipeline.stages;
  const std::vector<Cycle> cycles = one_of_variants(find_cycles(needed_by_stage), stages);
  for (std::size_t i = 0; i < std::min(cycles.size(), kMaxTold); ++i)
    tell(cycles[i], stages, diagnostics);
  if (cycles.size() <= kMaxTold) return;
  const Stage& next = stages[cycles[kMaxTold].front()];
  diagnostics.add(next.position,
                  "the stages need each other in " +
                      base::counted(cycles.size() - kMaxTold, "more cycle") + ", from the stage " +
                      backquoted(next.id) + " on",
                  "they are told when those before them are mended");
}

}  // namespace stagebox::scheduler
