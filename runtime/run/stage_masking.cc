#include "runtime/run/stage_masking.h"

namespace stagebox::run {

using base::Result;

Result<StageMasking> StageMasking::make(const RunContext& run, const scheduler::Stage& stage) {
  using Forms = Secrets::Forms;
  StageMasking masking;
  masking.words_ = run.masking();
  masking.leaks_ = run.leaks_of(stage);
  const AddedMasks& added = run.added_masks(stage);
  if (added.values().empty()) return masking;
  const Forms own = RunContext::leak_forms(stage);
  masking.own_words_ = TRY(run.secrets.automaton_with(Forms::kAll, added.values(), Forms::kAll));
  masking.own_leaks_ = TRY(run.secrets.automaton_with(own, added.values(), Forms::kTelling));
  masking.words_ = masking.own_words_.get();
  masking.leaks_ = masking.own_leaks_.get();
  return masking;
}

}  // namespace stagebox::run
