#include "scheduler/capacity.h"

#include <algorithm>
#include <optional>
#include <string>

#include "runtime/base/units.h"
#include "scheduler/processor_list.h"

namespace stagebox::scheduler {
namespace {

constexpr std::string_view kCapacityHint =
    "ask for less, or run it on a larger machine; the stage could never start here";

std::string cpus_text(double cpus) {
  std::string text = std::to_string(cpus);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text;
}

std::string stage_name(const Stage& stage) { return "the stage " + backquoted(stage.id); }

std::string with_services(const Stage& stage) {
  return stage_name(stage) + (stage.services.empty() ? "" : " with its services");
}

std::string too_much(const std::string& who, const std::string& wanted, const std::string& there) {
  return who + " asks for " + wanted + ", but Stagebox can use only " + there + " here";
}

// Where the stage says so itself, else where it is.
Position said_at(const Stage& stage, bool said, Position position) {
  return said ? position : stage.position;
}

std::string list_text(const std::set<unsigned>& numbers) {
  std::string text;
  for (const unsigned number : numbers)
    text.append(text.empty() ? "" : ",").append(std::to_string(number));
  return text;
}

void check_processors(const std::string& who, const Resources& wanted, const Capacity& capacity,
                      Diagnostics& diagnostics) {
  if (!wanted.cpuset || !capacity.processors) return;
  const auto named = parse_processor_list(*wanted.cpuset);
  if (!named || std::ranges::includes(*capacity.processors, *named)) return;
  diagnostics.add(wanted.cpuset_position,
                  too_much(who, "the processors " + *wanted.cpuset,
                           "the processors " + list_text(*capacity.processors)),
                  kCapacityHint);
}

void check_bytes(const std::string& who, const std::optional<std::uint64_t>& wanted,
                 std::uint64_t there, Position position, std::string_view of,
                 Diagnostics& diagnostics) {
  if (!wanted || *wanted <= there) return;
  diagnostics.add(
      position,
      too_much(who, base::format_bytes(*wanted) + std::string(of), base::format_bytes(there)),
      kCapacityHint);
}

// What each sandbox has for itself.
void check_own(const std::string& who, const Resources& wanted, const Capacity& capacity,
               Diagnostics& diagnostics) {
  check_processors(who, wanted, capacity, diagnostics);
  check_bytes(who, wanted.shm_size, capacity.memory, wanted.shm_size_position, " in /dev/shm",
              diagnostics);
  check_bytes(who, wanted.disk, capacity.disk, wanted.disk_position, " of disk", diagnostics);
  if (!wanted.open_files || *wanted.open_files <= capacity.open_files) return;
  diagnostics.add(wanted.open_files_position,
                  too_much(who, std::to_string(*wanted.open_files) + " open files",
                           std::to_string(capacity.open_files)),
                  kCapacityHint);
}

// What the stage and its services have together.
void check_together(const Stage& stage, const Capacity& capacity, Diagnostics& diagnostics) {
  const Resources& own = stage.resources;
  if (stage.all_cpus() > capacity.cpus) {
    diagnostics.add(said_at(stage, own.cpus.has_value(), own.cpus_position),
                    too_much(with_services(stage), cpus_text(stage.all_cpus()) + " cpus",
                             cpus_text(capacity.cpus)),
                    kCapacityHint);
  }
  if (stage.all_memory() > capacity.memory) {
    diagnostics.add(
        said_at(stage, own.memory.has_value(), own.memory_position),
        too_much(with_services(stage), base::format_bytes(stage.all_memory()) + " of memory",
                 base::format_bytes(capacity.memory)),
        kCapacityHint);
  }
}

}  // namespace

void check_capacity(const Plan& plan, const Capacity& capacity, Diagnostics& diagnostics) {
  for (const PlannedStage& planned : plan.stages()) {
    const Stage& stage = planned.stage;
    if (!stage.condition) continue;
    check_together(stage, capacity, diagnostics);
    check_own(stage_name(stage), stage.resources, capacity, diagnostics);
    for (const Service& service : stage.services) {
      check_own("the service " + backquoted(service.name) + " of " + stage_name(stage),
                service.resources, capacity, diagnostics);
    }
  }
}

}  // namespace stagebox::scheduler
