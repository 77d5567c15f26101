#include "sandbox/child/reaper.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#include "sandbox/child/child_plan.h"

namespace stagebox::sandbox::child {
namespace {

std::uint64_t microseconds(const struct timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_usec);
}

// Reaps all that can be reaped now. True when the stage's process was among them.
bool reap(pid_t stage, ExitRecord& record) {
  bool ended = false;
  for (;;) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid <= 0) return ended;
    ++record.processes;
    if (pid == stage) {
      record.wait_status = status;
      ended = true;
    }
  }
}

}  // namespace

void reap_until_stage_ends(pid_t stage, int exit_fd) {
  sigset_t all;
  ::sigfillset(&all);
  ExitRecord record{};
  while (!reap(stage, record)) {
    int signal = 0;
    if (::sigwait(&all, &signal) != 0) continue;
    // What has a meaning for one program is for the stage's own process; what is to end or to stop
    // is for everything in this pid namespace but ourselves.
    const bool is_message = signal == SIGUSR1 || signal == SIGUSR2;
    if (signal != SIGCHLD) (void)::kill(is_message ? stage : -1, signal);
  }
  struct rusage usage{};
  (void)::getrusage(RUSAGE_CHILDREN, &usage);
  record.user_usec = microseconds(usage.ru_utime);
  record.system_usec = microseconds(usage.ru_stime);
  record.max_rss_kib = static_cast<std::uint64_t>(usage.ru_maxrss);
  const ssize_t written = ::write(exit_fd, &record, sizeof(record));
  ::_exit(written == sizeof(record) ? 0 : 1);
}

}  // namespace stagebox::sandbox::child
