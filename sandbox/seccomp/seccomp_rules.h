// SeccompRules: a system call filter as people write it: which calls, with which arguments, get
// which answer. A pure value; seccomp_policy.h makes a program of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace stagebox::sandbox {

enum class SeccompAction { kAllow, kError, kLog, kTrap, kKillThread, kKillProcess };

/// A comparison of one argument of the call, as 64 unsigned bits (seccomp_rule_add(3)).
struct SeccompCondition {
  enum class Operation {
    kNotEqual,
    kLess,
    kLessOrEqual,
    kEqual,
    kGreaterOrEqual,
    kGreater,
    kMaskedEqual,  ///< (argument & value) == value_two
  };
  unsigned argument = 0;  ///< 0 to 5
  Operation operation = Operation::kEqual;
  std::uint64_t value = 0;
  std::uint64_t value_two = 0;
};

struct SeccompRule {
  std::vector<std::string> names;  ///< What a name that nobody knows means: compile_seccomp.
  SeccompAction action = SeccompAction::kAllow;
  unsigned error = 0;                        ///< errno for kError.
  std::vector<SeccompCondition> conditions;  ///< All must hold, on different arguments.
};

struct SeccompRules {
  SeccompAction default_action = SeccompAction::kError;
  unsigned default_error = 1;  ///< EPERM
  std::vector<SeccompRule> rules;
};

/// Everything in one text: equal texts are equal rules.
std::string canonical_text(const SeccompRules& rules);

}  // namespace stagebox::sandbox
