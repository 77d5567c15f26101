// The console: tells a person what happens in a run, in plain lines. Programs read events
// (runtime/report/event_stream.h).
#pragma once

#include <memory>
#include <ostream>

#include "runtime/run/run_listener.h"

namespace stagebox::cli {

/// `colour`: ANSI colours are understood.
enum class Colour { kNo, kYes };
std::unique_ptr<run::RunListener> make_console(std::ostream& out, const scheduler::Plan& plan,
                                               Colour colour);
/// `width`: of the longest id of a stage.
std::unique_ptr<run::RunListener> make_console(std::ostream& out, std::size_t width, Colour colour);

/// NO_COLOR, TERM and whether standard output is a terminal.
Colour colour_of_stdout();

}  // namespace stagebox::cli
