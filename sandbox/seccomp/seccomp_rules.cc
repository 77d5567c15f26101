#include "sandbox/seccomp/seccomp_rules.h"

#include <sstream>

namespace stagebox::sandbox {

std::string canonical_text(const SeccompRules& rules) {
  std::ostringstream text;
  text << "default " << static_cast<int>(rules.default_action) << ' ' << rules.default_error
       << '\n';
  for (const SeccompRule& rule : rules.rules) {
    text << "rule " << static_cast<int>(rule.action) << ' ' << rule.error;
    for (const SeccompCondition& condition : rule.conditions) {
      text << " [" << condition.argument << ' ' << static_cast<int>(condition.operation) << ' '
           << condition.value << ' ' << condition.value_two << ']';
    }
    // Names hold no white space: who reads profiles sees to that.
    for (const std::string& name : rule.names) text << ' ' << name;
    text << '\n';
  }
  return text.str();
}

}  // namespace stagebox::sandbox
