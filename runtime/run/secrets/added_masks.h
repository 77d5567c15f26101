// AddedMasks: values that a stage says are not to be read in what it writes from then on
// (`::add-mask::`), as a token that it fetched. They are the stage's own word: they hide what it
// writes and leaves, and nothing of anybody else's.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/locked_memory.h"
#include "runtime/base/result.h"
#include "runtime/run/secrets/secret_automaton.h"
#include "runtime/run/secrets/secrets.h"

namespace stagebox::run {

/// Of one stage, over its attempts. Used by one thread at a time.
class AddedMasks {
 public:
  /// A shorter value would be masked everywhere.
  static constexpr std::size_t kLeast = Secrets::kLeast;
  static constexpr std::size_t kMost = 100;
  /// Of all values: what finds them takes some hundred times as much, of memory that is locked.
  static constexpr std::size_t kMostBytes = std::size_t{16} << 10U;

  enum class Answer {
    kAdded,  ///< Or known already.
    kTooShort,
    kTooMuch,   ///< More than kMost values, or than kMostBytes.
    kNoMemory,  ///< That can be locked.
  };
  Answer add(std::string_view value);
  /// What finds them; nullptr when there are none. Another one after each add() of a new value.
  [[nodiscard]] const std::shared_ptr<const SecretAutomaton>& automaton() const {
    return automaton_;
  }
  [[nodiscard]] const std::vector<base::LockedBytes>& values() const { return values_; }

 private:
  std::vector<base::LockedBytes> values_;
  std::size_t bytes_ = 0;
  std::shared_ptr<const SecretAutomaton> automaton_;
};

/// Those of all stages of a run. Thread-safe.
class StageMasks {
 public:
  /// Of that stage, as long as this object.
  AddedMasks& of(const std::string& stage) {
    const std::scoped_lock lock(mutex_);
    return by_stage_[stage];
  }

 private:
  std::mutex mutex_;
  std::map<std::string, AddedMasks> by_stage_;
};

}  // namespace stagebox::run
