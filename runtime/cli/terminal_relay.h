// TerminalRelay: between this terminal and that of a command in a sandbox. What is typed goes in as
// it is typed (Ctrl-C and Ctrl-Z are the command's), a change of size goes in too, and this
// terminal gets its settings back at the end.
#pragma once

#include <termios.h>

#include <optional>
#include <thread>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/spec/process_spec.h"

namespace stagebox::cli {

class TerminalRelay {
 public:
  /// Before any other thread is started: they must inherit the blocked SIGWINCH.
  static base::Result<TerminalRelay> prepare();
  TerminalRelay(TerminalRelay&& other) noexcept;
  TerminalRelay& operator=(TerminalRelay&&) = delete;
  /// Ends the relay and restores the settings.
  ~TerminalRelay();

  /// What the command's terminal starts with: the size of ours, where standard input or output is
  /// one.
  [[nodiscard]] static sandbox::Terminal size();
  /// Relays standard input and changes of size to `terminal` on a thread of its own; at the end of
  /// input that is no terminal it sends what Ctrl-D would. From now on this terminal is raw.
  base::Result<void> start(base::UniqueFd terminal);
  /// Before anything else is written to this terminal.
  void stop();

 private:
  TerminalRelay(base::UniqueFd signals, base::UniqueFd stop)
      : signals_(std::move(signals)), stop_(std::move(stop)) {}
  base::Result<void> make_raw();

  base::UniqueFd signals_;
  base::UniqueFd stop_;
  std::optional<struct termios> saved_;  ///< Of standard input, while it is raw.
  std::thread thread_;
};

}  // namespace stagebox::cli
