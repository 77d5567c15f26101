#include "scheduler/capacity.h"

#include <algorithm>
#include <string>

#include "runtime/base/units.h"
#include "scheduler/processor_list.h"

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

std::string list_text(const std::set<unsigned>& numbers) {
  std::string text;
  for (const unsigned number : numbers)
    text.append(text.empty() ? "" : ",").append(std::to_string(number));
  return text;
}

void check_processors(const Stage& stage, const Capacity& capacity, Diagnostics& diagnostics) {
  const Resources& wanted = stage.resources;
  if (wanted.cpus && *wanted.cpus > capacity.cpus) {
    diagnostics.add(wanted.cpus_position,
                    too_much(stage, cpus_text(*wanted.cpus) + " cpus", cpus_text(capacity.cpus)),
                    kHint);
  }
  if (!wanted.cpuset || !capacity.processors) return;
  const auto named = parse_processor_list(*wanted.cpuset);
  if (!named || std::ranges::includes(*capacity.processors, *named)) return;
  diagnostics.add(wanted.cpuset_position,
                  too_much(stage, "the processors " + *wanted.cpuset,
                           "the processors " + list_text(*capacity.processors)),
                  kHint);
}

}  // namespace

void check_capacity(const Plan& plan, const Capacity& capacity, Diagnostics& diagnostics) {
  for (const PlannedStage& planned : plan.stages()) {
    const Stage& stage = planned.stage;
    const Resources& wanted = stage.resources;
    check_processors(stage, capacity, diagnostics);
    if (wanted.memory && *wanted.memory > capacity.memory) {
      diagnostics.add(wanted.memory_position,
                      too_much(stage, base::format_bytes(*wanted.memory) + " of memory",
                               base::format_bytes(capacity.memory)),
                      kHint);
    }
    if (wanted.open_files && *wanted.open_files > capacity.open_files) {
      diagnostics.add(wanted.open_files_position,
                      too_much(stage, std::to_string(*wanted.open_files) + " open files",
                               std::to_string(capacity.open_files)),
                      kHint);
    }
  }
}

}  // namespace stagebox::scheduler
