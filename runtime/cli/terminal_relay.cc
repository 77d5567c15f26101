#include "runtime/cli/terminal_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string>

#include "runtime/base/start_thread.h"
#include "runtime/cli/window_size.h"

namespace stagebox::cli {
namespace {

using base::Result;
using base::UniqueFd;

constexpr char kEndOfFile = 4;  // Ctrl-D, VEOF of a fresh terminal
// A shell that brings a job to the foreground which was not stopped says nothing of it.
constexpr int kBetweenLooks = 200;  // ms

std::optional<struct winsize> own_size() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (const auto size = window_size(fd); size && size->ws_row > 0) return size;
  }
  return std::nullopt;
}

// What runs on the thread, until it is stopped or the command's end of the terminal is gone.
class Pump {
 public:
  Pump(UniqueFd terminal, RawInput& input, int signals, int stop)
      : terminal_(std::move(terminal)), input_(input), signals_(signals), stop_(stop) {}

  void run() {
    while (step()) {
    }
  }

 private:
  bool step() {
    look();
    // Input is read only when what was read before has been taken.
    const bool reading = is_ours_ && open_ && pending_.empty();
    const auto wanted = static_cast<short>(pending_.empty() ? 0 : POLLOUT);
    std::array<struct pollfd, 4> polled{{{stop_, POLLIN, 0},
                                         {signals_, POLLIN, 0},
                                         {reading ? STDIN_FILENO : -1, POLLIN, 0},
                                         {pending_.empty() ? -1 : terminal_.get(), wanted, 0}}};
    if (::poll(polled.data(), polled.size(), is_ours_ ? -1 : kBetweenLooks) < 0)
      return errno == EINTR;
    if (polled[0].revents != 0) return false;
    if (polled[1].revents != 0) take_signal();
    if (polled[2].revents != 0) read_input();
    return polled[3].revents == 0 || write_pending();
  }

  // Whoever had the terminal meanwhile may have changed all of it.
  void look() {
    if (!std::exchange(is_ours_, RawInput::is_ours()) && is_ours_) {
      (void)input_.enter();
      resize();
    }
  }

  void take_signal() {
    struct signalfd_siginfo info{};
    (void)!::read(signals_, &info, sizeof(info));
    if (info.ssi_signo == SIGCONT)
      is_ours_ = false;  // It may be: that is found out anew.
    else
      resize();
  }

  void resize() {
    if (const auto size = own_size()) (void)::ioctl(terminal_.get(), TIOCSWINSZ, &*size);
  }

  void read_input() {
    std::array<char, 4096> buffer{};
    const ssize_t count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return;
    open_ = count > 0;
    if (open_) {
      pending_.assign(buffer.data(), static_cast<std::size_t>(count));
    } else {
      pending_.assign(1, kEndOfFile);
    }
  }

  bool write_pending() {
    const ssize_t count = ::write(terminal_.get(), pending_.data(), pending_.size());
    if (count < 0) return errno == EINTR || errno == EAGAIN;
    pending_.erase(0, static_cast<std::size_t>(count));
    return true;
  }

  UniqueFd terminal_;
  RawInput& input_;
  int signals_;
  int stop_;
  bool is_ours_ = false;
  bool open_ = true;
  std::string pending_;
};

}  // namespace

bool RawInput::is_ours() {
  const pid_t group = ::tcgetpgrp(STDIN_FILENO);
  return group < 0 || group == ::getpgrp();
}

Result<void> RawInput::enter() {
  struct termios settings{};
  if (::tcgetattr(STDIN_FILENO, &settings) != 0) return {};  // no terminal
  const bool is_raw = (settings.c_lflag & static_cast<tcflag_t>(ICANON | ECHO | ISIG)) == 0;
  if (saved_ && is_raw) return {};
  saved_ = settings;
  ::cfmakeraw(&settings);
  if (::tcsetattr(STDIN_FILENO, TCSADRAIN, &settings) != 0)
    return base::errno_error("set up the terminal");
  return {};
}

void RawInput::leave() {
  if (saved_ && is_ours()) (void)::tcsetattr(STDIN_FILENO, TCSADRAIN, &*saved_);
  saved_.reset();
}

Result<TerminalRelay> TerminalRelay::prepare() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : {SIGWINCH, SIGCONT}) ::sigaddset(&set, signal);
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return base::errno_error("block SIGWINCH");
  // Stopped from outside we would leave the terminal raw, and nobody would look after the command.
  for (const int signal : {SIGTSTP, SIGTTOU}) (void)::signal(signal, SIG_IGN);
  UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC));
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!signals || !stop) return base::errno_error("watch the size of the terminal");
  return TerminalRelay(std::move(signals), std::move(stop));
}

TerminalRelay::~TerminalRelay() { stop(); }

sandbox::Terminal TerminalRelay::size() {
  sandbox::Terminal terminal;
  if (const auto size = own_size()) terminal = {size->ws_row, size->ws_col};
  return terminal;
}

Result<void> TerminalRelay::start(UniqueFd terminal) {
  const int flags = ::fcntl(terminal.get(), F_GETFL);
  if (flags < 0 || ::fcntl(terminal.get(), F_SETFL, flags | O_NONBLOCK) < 0)
    return base::errno_error("set up the command's terminal");
  if (RawInput::is_ours()) TRY(input_->enter());
  // Once for what happened between size() and now.
  if (const auto size = own_size()) (void)::ioctl(terminal.get(), TIOCSWINSZ, &*size);
  thread_ = TRY(base::start_thread("start a thread for the terminal",
                                   [pump = Pump(std::move(terminal), *input_, signals_.get(),
                                                stop_.get())]() mutable { pump.run(); }));
  return {};
}

void TerminalRelay::stop() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof(one));
    thread_.join();
  }
  if (input_) input_->leave();
}

}  // namespace stagebox::cli
