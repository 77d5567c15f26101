// Capacity: what the machine has for the stages of a run, and whether each of them could ever run
// with it.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <set>

#include "scheduler/diagnostics.h"
#include "scheduler/plan.h"

namespace stagebox::scheduler {

struct Capacity {
  double cpus = std::numeric_limits<double>::infinity();
  std::uint64_t memory = std::numeric_limits<std::uint64_t>::max();  ///< Bytes.
  std::optional<std::set<unsigned>> processors = {};                 ///< Their numbers; none: any.
  std::uint64_t open_files = std::numeric_limits<std::uint64_t>::max();
  /// Bytes of the file system where stages have their workspaces, used or not.
  std::uint64_t disk = std::numeric_limits<std::uint64_t>::max();
};

/// Reports every stage of the plan that declares more than there is at all: it would wait for ever,
/// or could not be started. What is skipped asks for nothing.
void check_capacity(const Plan& plan, const Capacity& capacity, Diagnostics& diagnostics);

}  // namespace stagebox::scheduler
