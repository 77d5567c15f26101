// RunStory: what became of a run, stage by stage, as plain values: what the HTML report shows.
#pragma once

#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "runtime/markdown/markup.h"
#include "runtime/report/event_stream.h"
#include "runtime/report/log_excerpt.h"
#include "runtime/run/stage_record.h"
#include "scheduler/plan.h"

namespace stagebox::report {

/// What was read of one log.
struct LogStory {
  std::optional<LogExcerpt> excerpt;
  bool missing = false;  ///< There was no room for it, or it cannot be read.
};
struct ServiceStory {
  std::string name;
  LogStory log;
};

/// One try of a stage. Times are since the beginning of the run.
struct AttemptStory {
  unsigned number = 0;  ///< From 1.
  std::chrono::milliseconds start{};
  std::chrono::milliseconds end{};
  std::size_t slot = 0;  ///< From 0.
  std::string state;     ///< As scheduler::to_string() says it, "retrying" among them.
  std::string detail;
  std::string log_path;  ///< Empty when it wrote none.
  LogStory log;
  std::vector<ServiceStory> services;  ///< Those that it started.
};

struct StageStory {
  scheduler::StageOutcome outcome;
  std::vector<AttemptStory> attempts;  ///< Those that ran, and one without a number for the log of
                                       ///< the run that a cached stage was taken from.
  std::optional<run::StageRecord> record;     ///< Of the last attempt.
  std::optional<markdown::Document> summary;  ///< What the record refers to, if there was room.
  std::string why;  ///< Why it ran, in words; empty when that is not known.
};

struct RunStory {
  RunFacts facts;
  std::string id;
  std::chrono::system_clock::time_point started;
  std::chrono::milliseconds elapsed{};
  std::string result;  ///< "succeeded", "failed", "cancelled" or "error".
  bool timed_out = false;
  std::vector<StageStory> stages;  ///< By index in the plan.
};

/// One JSON object; the page's script knows what is in it. Bytes that are not UTF-8 are replaced.
std::string json_of(const RunStory& story, const scheduler::Plan& plan);

}  // namespace stagebox::report
