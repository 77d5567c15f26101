// EventStream: what happens in a run as JSON Lines, for programs. docs/events.md is the schema; a
// change there that could break a reader changes kEventSchema.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

#include "runtime/base/trust_domain.h"
#include "runtime/report/text_sink.h"
#include "runtime/run/run_listener.h"

namespace stagebox::report {

inline constexpr int kEventSchema = 1;

/// What the first event says of the run.
struct RunFacts {
  std::string pipeline;  ///< Its name; may be empty.
  std::string file;      ///< Absolute path.
  base::TrustDomain domain;
  std::size_t stages = 0;
  bool resumed = false;
};

/// "succeeded", "failed", "cancelled" or "error".
std::string_view result_name(scheduler::RunResult result);

class EventStream final : public run::RunListener {
 public:
  using Clock = std::function<std::chrono::system_clock::time_point()>;

  /// The sink outlives it.
  EventStream(TextSink& sink, RunFacts facts, Clock clock = std::chrono::system_clock::now);

  void on_run_started(const std::string& run_id) override;
  void on_stage(const scheduler::PlannedStage& planned, const scheduler::StageOutcome& outcome,
                const run::StageRecord* record, std::chrono::milliseconds elapsed) override;
  void on_warning(const std::string& text) override;
  void on_run_finished(const scheduler::RunSummary& summary,
                       std::chrono::milliseconds elapsed) override;

 private:
  void write_connections(const std::string& stage, const scheduler::StageOutcome& outcome,
                         const std::string& log_path);

  TextSink& sink_;
  RunFacts facts_;
  Clock clock_;
};

}  // namespace stagebox::report
