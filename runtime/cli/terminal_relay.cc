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

std::optional<struct winsize> own_size() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (const auto size = window_size(fd); size && size->ws_row > 0) return size;
  }
  return std::nullopt;
}

// What runs on the thread, until it is stopped or the command's end of the terminal is gone.
class Pump {
 public:
  Pump(UniqueFd terminal, int signals, int stop)
      : terminal_(std::move(terminal)), signals_(signals), stop_(stop) {}

  void run() {
    while (step()) {
    }
  }

 private:
  bool step() {
    // Input is read only when what was read before has been taken.
    const bool reading = open_ && pending_.empty();
    const auto wanted = static_cast<short>(pending_.empty() ? 0 : POLLOUT);
    std::array<struct pollfd, 4> polled{{{stop_, POLLIN, 0},
                                         {signals_, POLLIN, 0},
                                         {reading ? STDIN_FILENO : -1, POLLIN, 0},
                                         {pending_.empty() ? -1 : terminal_.get(), wanted, 0}}};
    if (::poll(polled.data(), polled.size(), -1) < 0) return errno == EINTR;
    if (polled[0].revents != 0) return false;
    if (polled[1].revents != 0) resize();
    if (polled[2].revents != 0) read_input();
    return polled[3].revents == 0 || write_pending();
  }

  void resize() {
    struct signalfd_siginfo info{};
    (void)!::read(signals_, &info, sizeof(info));
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
  int signals_;
  int stop_;
  bool open_ = true;
  std::string pending_;
};

}  // namespace

Result<TerminalRelay> TerminalRelay::prepare() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGWINCH);
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return base::errno_error("block SIGWINCH");
  // Stopped from outside we would leave the terminal raw; in the background we still restore it.
  for (const int signal : {SIGTSTP, SIGTTOU}) (void)::signal(signal, SIG_IGN);
  UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC));
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!signals || !stop) return base::errno_error("watch the size of the terminal");
  return TerminalRelay(std::move(signals), std::move(stop));
}

TerminalRelay::TerminalRelay(TerminalRelay&& other) noexcept
    : signals_(std::move(other.signals_)),
      stop_(std::move(other.stop_)),
      saved_(std::exchange(other.saved_, std::nullopt)),
      thread_(std::move(other.thread_)) {}

TerminalRelay::~TerminalRelay() { stop(); }

sandbox::Terminal TerminalRelay::size() {
  sandbox::Terminal terminal;
  if (const auto size = own_size()) terminal = {size->ws_row, size->ws_col};
  return terminal;
}

Result<void> TerminalRelay::make_raw() {
  struct termios settings{};
  if (::tcgetattr(STDIN_FILENO, &settings) != 0) return {};  // no terminal
  saved_ = settings;
  ::cfmakeraw(&settings);
  if (::tcsetattr(STDIN_FILENO, TCSADRAIN, &settings) != 0)
    return base::errno_error("set up the terminal");
  return {};
}

Result<void> TerminalRelay::start(UniqueFd terminal) {
  const int flags = ::fcntl(terminal.get(), F_GETFL);
  if (flags < 0 || ::fcntl(terminal.get(), F_SETFL, flags | O_NONBLOCK) < 0)
    return base::errno_error("set up the command's terminal");
  TRY(make_raw());
  // Once for what happened between size() and now.
  if (const auto size = own_size()) (void)::ioctl(terminal.get(), TIOCSWINSZ, &*size);
  thread_ = TRY(base::start_thread(
      "start a thread for the terminal",
      [pump = Pump(std::move(terminal), signals_.get(), stop_.get())]() mutable { pump.run(); }));
  return {};
}

void TerminalRelay::stop() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof(one));
    thread_.join();
  }
  if (saved_) (void)::tcsetattr(STDIN_FILENO, TCSADRAIN, &*saved_);
  saved_.reset();
}

}  // namespace stagebox::cli
