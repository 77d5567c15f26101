#include "scheduler/allow_failure.h"

namespace stagebox::scheduler {
namespace {

// What nobody reads on one line is left out.
constexpr std::size_t kMostNamed = 10;

std::string codes_of(const AllowFailure& allowed) {
  std::string text = allowed.exit_codes.size() == 1 ? "exit code " : "exit codes ";
  std::size_t named = 0;
  for (const int code : allowed.exit_codes) {
    if (named == kMostNamed) return text + ", ...";
    text += (named++ == 0 ? "" : ", ") + std::to_string(code);
  }
  return text;
}

}  // namespace

bool allows(const AllowFailure& allowed, const StageOutcome& outcome) {
  if (is_ours(outcome)) return false;
  switch (allowed.which) {
    case AllowFailure::Which::kNone:
      return false;
    case AllowFailure::Which::kAll:
      return true;
    case AllowFailure::Which::kExitCodes:
      return outcome.cause == FailureCause::kExit &&
             allowed.exit_codes.contains(outcome.exit_status);
  }
  return false;
}

std::string why_allowed(const AllowFailure& allowed, const StageOutcome& outcome) {
  if (allowed.which != AllowFailure::Which::kExitCodes) return "";
  if (allows(allowed, outcome))
    return "; `allow_failure` names exit code " + std::to_string(outcome.exit_status);
  return "; `allow_failure` names only " + codes_of(allowed);
}

}  // namespace stagebox::scheduler
