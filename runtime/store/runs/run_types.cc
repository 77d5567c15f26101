#include "runtime/store/runs/run_types.h"

#include <array>
#include <utility>

#include "runtime/base/printable.h"

namespace stagebox::store {
namespace {

using base::Result;

constexpr std::array kRunStates{
    std::pair{RunState::kRunning, std::string_view("running")},
    std::pair{RunState::kSucceeded, std::string_view("succeeded")},
    std::pair{RunState::kFailed, std::string_view("failed")},
    std::pair{RunState::kCancelled, std::string_view("cancelled")},
    std::pair{RunState::kError, std::string_view("error")},
};

constexpr std::array kStageStates{
    std::pair{StageState::kPending, std::string_view("pending")},
    std::pair{StageState::kRunning, std::string_view("running")},
    std::pair{StageState::kRetrying, std::string_view("retrying")},
    std::pair{StageState::kSucceeded, std::string_view("succeeded")},
    std::pair{StageState::kCached, std::string_view("cached")},
    std::pair{StageState::kFailed, std::string_view("failed")},
    std::pair{StageState::kAllowedFailure, std::string_view("allowed failure")},
    std::pair{StageState::kSkipped, std::string_view("skipped")},
    std::pair{StageState::kCancelled, std::string_view("cancelled")},
    std::pair{StageState::kError, std::string_view("error")},
};

std::string_view name_in(const auto& table, auto state) {
  for (const auto& [value, name] : table) {
    if (value == state) return name;
  }
  return "error";
}

template <typename State>
Result<State> parse_in(const auto& table, std::string_view text) {
  for (const auto& [value, name] : table) {
    if (name == text) return value;
  }
  return base::corrupt(base::printable(text) + " is not a state");
}

}  // namespace

Timestamp timestamp_now() {
  return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
}

std::string_view run_state_name(RunState state) { return name_in(kRunStates, state); }
bool has_succeeded(StageState state) {
  return state == StageState::kSucceeded || state == StageState::kCached;
}

std::string_view stage_state_name(StageState state) { return name_in(kStageStates, state); }

Result<RunState> parse_run_state(std::string_view name) {
  return parse_in<RunState>(kRunStates, name);
}

Result<StageState> parse_stage_state(std::string_view name) {
  return parse_in<StageState>(kStageStates, name);
}

}  // namespace stagebox::store
