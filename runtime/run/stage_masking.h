// StageMasking: what is not to be read in what a stage says and leaves when it has ended: the
// secrets of the run, and the values that the stage itself named (`::add-mask::`). What others say
// of the stage, and we do, is masked for the run's secrets alone (RunContext::masking()).
#pragma once

#include <memory>

#include "runtime/base/result.h"
#include "runtime/run/run_context.h"

namespace stagebox::run {

class StageMasking {
 public:
  /// Costs nothing for a stage that added none. kUnsupported where memory cannot be locked. The
  /// secrets of `run` outlive it.
  static base::Result<StageMasking> make(const RunContext& run, const scheduler::Stage& stage);

  /// For the words of the stage; nullptr: none.
  [[nodiscard]] const SecretAutomaton* of_words() const { return words_; }
  /// For what it leaves, which is refused: of a value that it named only what can be nothing else.
  [[nodiscard]] const SecretAutomaton* of_leaks() const { return leaks_; }

 private:
  const SecretAutomaton* words_ = nullptr;
  const SecretAutomaton* leaks_ = nullptr;
  std::shared_ptr<const SecretAutomaton> own_words_;
  std::shared_ptr<const SecretAutomaton> own_leaks_;
};

}  // namespace stagebox::run
