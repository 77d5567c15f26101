// ListenerGroup: several listeners that watch one run.
#pragma once

#include <algorithm>
#include <memory>
#include <vector>

#include "runtime/run/run_listener.h"

namespace stagebox::report {

/// Tells all, in the order in which they were added.
class ListenerGroup final : public run::RunListener {
 public:
  /// It outlives the group.
  void add(run::RunListener& listener) { listeners_.push_back(&listener); }

  void on_run_started(const std::string& run_id) override {
    for (run::RunListener* listener : listeners_) listener->on_run_started(run_id);
  }
  void on_estimates(const scheduler::StageEstimates& estimates) override {
    for (run::RunListener* listener : listeners_) listener->on_estimates(estimates);
  }
  void on_stage(const scheduler::PlannedStage& stage, const scheduler::StageOutcome& outcome,
                const run::StageRecord* record, std::chrono::milliseconds elapsed) override {
    for (run::RunListener* listener : listeners_)
      listener->on_stage(stage, outcome, record, elapsed);
  }
  [[nodiscard]] bool wants_output() const override {
    return std::ranges::any_of(listeners_, &run::RunListener::wants_output);
  }
  void on_output(const scheduler::PlannedStage& stage,
                 const std::shared_ptr<const logs::LogWatch>& output) override {
    for (run::RunListener* listener : listeners_) listener->on_output(stage, output);
  }
  void on_warning(const std::string& text) override {
    for (run::RunListener* listener : listeners_) listener->on_warning(text);
  }
  void on_run_finished(const scheduler::RunSummary& summary,
                       std::chrono::milliseconds elapsed) override {
    for (run::RunListener* listener : listeners_) listener->on_run_finished(summary, elapsed);
  }

 private:
  std::vector<run::RunListener*> listeners_;
};

}  // namespace stagebox::report
