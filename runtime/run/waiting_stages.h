// WaitingStages: those that wait because somebody else makes the same. They hold neither a thread
// nor a slot: a stage is put off, and looks again after a while.
#pragma once

#include <chrono>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "runtime/run/prepared_stage.h"
#include "runtime/run/stage_cache.h"
#include "scheduler/stage_state.h"

namespace stagebox::run {

/// Of a stage that has waited so long for somebody else.
struct Pause {
  std::chrono::milliseconds length;  ///< Until it looks again.
  bool is_told;                      ///< Somebody may wonder by now why nothing happens.
};
Pause pause_after(std::chrono::steady_clock::duration waited);

struct WaitingStage {
  PreparedStage prepared;
  CacheVerdict verdict{};      ///< Of its first look into the cache,
  std::string verdict_detail;  ///< which may have removed what it found damaged.
  std::chrono::steady_clock::time_point since;
  bool told = false;  ///< That it waits.
};

/// Thread-safe.
class WaitingStages {
 public:
  /// The outcome says when to look again, and once that it waits, if that takes a while.
  scheduler::StageOutcome put_off(const std::string& stage, WaitingStage waiting);
  /// What put_off() was given last.
  std::optional<WaitingStage> take(const std::string& stage);

 private:
  std::mutex mutex_;
  std::unordered_map<std::string, WaitingStage> stages_;
};

}  // namespace stagebox::run
