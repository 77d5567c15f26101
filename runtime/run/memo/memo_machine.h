// What of this machine decides whether a run may start at all: its size, where a stage asks for
// some of it (scheduler::check_capacity).
#pragma once

#include <string>

#include "scheduler/plan.h"

namespace stagebox::run {

/// Whether a stage of the plan asks for something that another machine may not have.
bool depends_on_machine(const scheduler::Plan& plan);
/// Equal for equal machines.
std::string machine_text();

}  // namespace stagebox::run
