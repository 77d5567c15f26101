// TerminalRelay: between this terminal and that of a command in a sandbox. What is typed goes in as
// it is typed (Ctrl-C and Ctrl-Z are the command's), a change of size goes in too, and this
// terminal gets its settings back at the end. It is ours only while this process is in its
// foreground: in the background nothing is read from it and its settings are a shell's.
#pragma once

#include <termios.h>

#include <memory>
#include <optional>
#include <thread>
#include <utility>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/spec/process_spec.h"

namespace stagebox::cli {

/// The settings of standard input, where that is a terminal.
class RawInput {
 public:
  RawInput() = default;
  RawInput(const RawInput&) = delete;
  RawInput& operator=(const RawInput&) = delete;
  ~RawInput() { leave(); }

  /// Whether they are ours to change, and what is typed ours to read: true also of what is no
  /// terminal, or not that of our session.
  [[nodiscard]] static bool is_ours();
  /// Again also when somebody changed them meanwhile.
  base::Result<void> enter();
  void leave();

 private:
  std::optional<struct termios> saved_;  ///< While they are raw.
};

class TerminalRelay {
 public:
  /// Before any other thread is started: they must inherit the blocked SIGWINCH and SIGCONT.
  static base::Result<TerminalRelay> prepare();
  TerminalRelay(TerminalRelay&&) noexcept = default;
  TerminalRelay& operator=(TerminalRelay&&) = delete;
  /// Ends the relay and restores the settings.
  ~TerminalRelay();

  /// What the command's terminal starts with: the size of ours, where standard input or output is
  /// one.
  [[nodiscard]] static sandbox::Terminal size();
  /// Relays standard input and changes of size to `terminal` on a thread of its own; at the end of
  /// input that is no terminal it sends what Ctrl-D would. From now on this terminal is raw while
  /// it is ours.
  base::Result<void> start(base::UniqueFd terminal);
  /// Before anything else is written to this terminal.
  void stop();

 private:
  TerminalRelay(base::UniqueFd signals, base::UniqueFd stop)
      : signals_(std::move(signals)), stop_(std::move(stop)) {}
  base::UniqueFd signals_;
  base::UniqueFd stop_;
  std::unique_ptr<RawInput> input_ = std::make_unique<RawInput>();  ///< The thread's while it runs.
  std::thread thread_;
};

}  // namespace stagebox::cli
