// read_policy: the bytes of a policy file (docs/policy.md) as rules, or everything that is wrong
// with it. Pure. A key that is not understood is a mistake: it could have been a protection.
#pragma once

#include <string_view>
#include <variant>

#include "runtime/run/policy/policy.h"
#include "scheduler/diagnostics.h"

namespace stagebox::run {

/// `file_name` is for messages and for the places of the rules.
std::variant<PolicyRules, scheduler::Diagnostics> read_policy(std::string_view file_name,
                                                              std::string_view bytes);

}  // namespace stagebox::run
