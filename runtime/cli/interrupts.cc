#include "runtime/cli/interrupts.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "runtime/base/start_thread.h"

namespace stagebox::cli {
namespace {

using base::UniqueFd;

bool is_ignored(int signal) {
  struct sigaction action{};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

void wait_for_signal(const UniqueFd& signals, int stop, const std::function<void(int)>& on_signal) {
  for (;;) {
    std::array<struct pollfd, 2> polled{{{signals.get(), POLLIN, 0}, {stop, POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno == EINTR) continue;
    if (polled[1].revents != 0) return;
    struct signalfd_siginfo info{};
    if (::read(signals.get(), &info, sizeof(info)) == sizeof(info))
      on_signal(static_cast<int>(info.ssi_signo));
  }
}

}  // namespace

base::Result<Interrupts> Interrupts::watch(const std::vector<int>& others,
                                           std::function<void(int)> on_signal) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int signal : others) ::sigaddset(&set, signal);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    // nohup(1) and shells without job control want it so. A blocked signal would come all the same.
    if (!is_ignored(signal)) ::sigaddset(&set, signal);
  }
  if (::pthread_sigmask(SIG_BLOCK, &set, nullptr) != 0) return base::errno_error("block signals");
  UniqueFd signals(::signalfd(-1, &set, SFD_CLOEXEC));
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!signals || !stop) return base::errno_error("watch for signals");
  std::thread thread = TRY(base::start_thread(
      "start a thread that watches for signals",
      [signals = std::move(signals), stop_fd = stop.get(), on_signal = std::move(on_signal)] {
        wait_for_signal(signals, stop_fd, on_signal);
      }));
  return Interrupts(std::move(stop), std::move(thread));
}

Interrupts::~Interrupts() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof(one));
  thread_.join();
}

}  // namespace stagebox::cli
