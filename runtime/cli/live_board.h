// LiveBoard: what a run looks like at a moment, as lines for a terminal: what runs, for how long,
// and how much is still to come. Pure: it is told what happens and what time it is.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "runtime/cli/console.h"
#include "scheduler/critical_path.h"
#include "scheduler/plan.h"
#include "scheduler/stage_state.h"

namespace stagebox::cli {

struct BoardSize {
  std::size_t columns = 80;
  std::size_t rows = 24;
};

class LiveBoard {
 public:
  using Time = std::chrono::steady_clock::time_point;

  /// The plan outlives it. `jobs`: how many stages run at the same time.
  LiveBoard(const scheduler::Plan& plan, unsigned jobs, Time start);

  /// How long stages took before.
  void set_estimates(scheduler::StageEstimates estimates) { estimates_ = std::move(estimates); }
  void on_stage(const scheduler::PlannedStage& planned, const scheduler::StageOutcome& outcome,
                Time now);
  /// That the run was told to end, which what runs has some time for.
  void set_cancelled(bool cancelled) { cancelled_ = cancelled; }

  /// What the attempt that runs wrote last, whenever that is asked for; safe for a terminal.
  using LastLine = std::function<std::string()>;
  void on_output(const scheduler::PlannedStage& planned, LastLine last_line);

  /// At most half of the rows, each line within the columns (an ANSI colour takes none), without
  /// line ends. The last one has the totals.
  [[nodiscard]] std::vector<std::string> lines(Time now, BoardSize size, Colour colour) const;

 private:
  struct Active {
    std::string text;  ///< Its id, and the attempt when it is not the first; safe for a terminal.
    Time since;
    std::string waits;   ///< That it does, and for what, safe for a terminal; empty: it runs.
    LastLine last_line;  ///< None before it writes a log.
  };

  [[nodiscard]] std::string active_line(std::size_t index, const Active& active, Time now) const;
  [[nodiscard]] static std::string said(const Active& active, std::size_t columns, Colour colour);
  [[nodiscard]] std::string totals(Time now, Colour colour) const;
  [[nodiscard]] std::string remaining(Time now) const;

  const scheduler::Plan& plan_;
  unsigned jobs_;
  Time start_;
  scheduler::StageEstimates estimates_;
  std::map<std::size_t, Active> active_;  ///< By index in the plan.
  std::vector<bool> ended_;               ///< By index.
  std::size_t finished_ = 0;
  std::size_t failed_ = 0;
  std::size_t cached_ = 0;
  bool cancelled_ = false;
};

}  // namespace stagebox::cli
