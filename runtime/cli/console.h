// Console: tells a person what happens in a run, in plain lines; or a program, in JSON lines.
#pragma once

#include <memory>
#include <ostream>
#include <string>

#include "runtime/cli/options.h"
#include "runtime/run/pipeline_run.h"

namespace stagebox::cli {

class Console : public run::RunListener {
 public:
  /// The end of the run: totals, and how it went.
  virtual void on_run_finished(const scheduler::Plan& plan, const scheduler::RunSummary& summary,
                               std::chrono::milliseconds elapsed) = 0;
};

/// `colour`: ANSI colours are understood.
enum class Colour { kNo, kYes };
std::unique_ptr<Console> make_plain_console(std::ostream& out, const scheduler::Plan& plan,
                                            Colour colour);
std::unique_ptr<Console> make_json_console(std::ostream& out);

/// NO_COLOR, TERM and whether standard output is a terminal.
Colour colour_of_stdout();

}  // namespace stagebox::cli
