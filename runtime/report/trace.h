// Trace: when each attempt of a run ran, in which slot, and what it waited for, in the Trace Event
// Format that chrome://tracing and Perfetto read (array form, times in microseconds). It is written
// while the run goes on; viewers accept one that ends in the middle.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/report/text_sink.h"
#include "runtime/run/run_listener.h"

namespace stagebox::report {

class Trace final : public run::RunListener {
 public:
  using Clock = std::function<std::chrono::steady_clock::time_point()>;

  /// Both outlive it.
  Trace(TextSink& sink, const scheduler::Plan& plan, Clock clock = std::chrono::steady_clock::now);

  void on_run_started(const std::string& run_id) override;
  void on_stage(const scheduler::PlannedStage& planned, const scheduler::StageOutcome& outcome,
                const run::StageRecord* record, std::chrono::milliseconds elapsed) override;
  void on_run_finished(const scheduler::RunSummary& summary,
                       std::chrono::milliseconds elapsed) override;

 private:
  /// Of a stage: its running attempt, or where the last one ended.
  struct Place {
    std::size_t lane = 0;
    std::chrono::microseconds start{};
    std::optional<std::chrono::microseconds> end;
  };

  [[nodiscard]] std::chrono::microseconds now() const;
  void begin_attempt(const scheduler::PlannedStage& planned);
  void end_attempt(const scheduler::PlannedStage& planned, const scheduler::StageOutcome& outcome,
                   const run::StageRecord* record);
  void draw_arrows(const scheduler::PlannedStage& planned);
  void count_running();
  std::size_t take_lane();
  void emit(const std::string& event);

  TextSink& sink_;
  const scheduler::Plan& plan_;
  Clock clock_;
  std::chrono::steady_clock::time_point origin_;
  std::vector<std::optional<Place>> places_;  ///< By stage.
  std::vector<bool> lanes_;                   ///< Which are taken.
  std::size_t arrows_ = 0;
  bool empty_ = true;
};

}  // namespace stagebox::report
