// What stages reported of themselves, as lines for people.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <vector>

#include "runtime/logs/workflow_command.h"
#include "runtime/run/stage_record.h"
#include "scheduler/stage_state.h"

namespace stagebox::cli {

/// As compilers say it: "a.c:3:7: error: title: message". One line, safe for a terminal.
std::string annotation_text(const logs::Annotation& annotation);

/// Those of all stages of a run that ran, for its end. Holds as many as it shows.
class AnnotationSummary {
 public:
  static constexpr std::size_t kMost = 20;

  /// Every change of a stage. Of attempts only the last one counts. `record` may be null.
  void on_stage(const std::string& stage, scheduler::StageState state,
                const run::StageRecord* record);
  /// Lines, errors first; empty when there was nothing.
  [[nodiscard]] std::string text(const std::string& run_id) const;

 private:
  std::array<std::vector<std::string>, 3> lines_;  ///< By level; the first kMost of each.
  std::size_t count_ = 0;                          ///< Of all there were.
};

}  // namespace stagebox::cli
