#include "runtime/run/waiting_stages.h"

#include <algorithm>
#include <utility>

namespace stagebox::run {
namespace {

using std::chrono::milliseconds;

/// From here on somebody may wonder why nothing happens.
constexpr milliseconds kAWhile{200};
constexpr milliseconds kShortestPause{10};
constexpr milliseconds kLongestPause{500};
/// A stage looks again when it has waited longer by this part.
constexpr int kPausePart = 8;

}  // namespace

Pause pause_after(std::chrono::steady_clock::duration waited) {
  const auto all = std::chrono::floor<milliseconds>(waited);
  return {std::clamp(all / kPausePart, kShortestPause, kLongestPause), all >= kAWhile};
}

scheduler::StageOutcome WaitingStages::put_off(const std::string& stage, WaitingStage waiting) {
  const Pause pause = pause_after(std::chrono::steady_clock::now() - waiting.since);
  scheduler::StageOutcome outcome{.state = scheduler::StageState::kReady};
  outcome.retry_in = pause.length;
  if (pause.is_told && !std::exchange(waiting.told, true))
    outcome.detail = "the same is being made by another stage or run";
  const std::scoped_lock lock(mutex_);
  stages_.insert_or_assign(stage, std::move(waiting));
  return outcome;
}

std::optional<WaitingStage> WaitingStages::take(const std::string& stage) {
  const std::scoped_lock lock(mutex_);
  auto found = stages_.extract(stage);
  if (found.empty()) return std::nullopt;
  return std::move(found.mapped());
}

}  // namespace stagebox::run
