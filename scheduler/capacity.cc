#include "scheduler/capacity.h"

#include <string>

#include "runtime/base/units.h"

namespace stagebox::scheduler {
namespace {

constexpr std::string_view kHint =
    "ask for less, or run it on a larger machine; the stage could never start here";

std::string cpus_text(double cpus) {
  std::string text = std::to_string(cpus);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string too_much(const Stage& stage, const std::string& wanted, const std::string& there) {
  return "the stage " + backquoted(stage.id) + " asks for " + wanted +
         ", but Stagebox can use only " + there + " here";
}

}  // namespace

void check_capacity(const Plan& plan, const Capacity& capacity, Diagnostics& diagnostics) {
  for (const PlannedStage& planned : plan.stages()) {
    const Stage& stage = planned.stage;
    const Resources& wanted = stage.resources;
    if (wanted.cpus && *wanted.cpus > capacity.cpus) {
      diagnostics.add(wanted.cpus_position,
                      too_much(stage, cpus_text(*wanted.cpus) + " cpus", cpus_text(capacity.cpus)),
                      kHint);
    }
    if (wanted.memory && *wanted.memory > capacity.memory) {
      diagnostics.add(wanted.memory_position,
                      too_much(stage, base::format_bytes(*wanted.memory) + " of memory",
                               base::format_bytes(capacity.memory)),
                      kHint);
    }
  }
}

}  // namespace stagebox::scheduler
