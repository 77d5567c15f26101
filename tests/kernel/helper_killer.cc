#include "tests/kernel/helper_killer.h"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>

namespace stagebox::testing {

HelperKiller::HelperKiller(const std::string& server)
    : thread_([this, pid = std::stoi(server)] { trace(pid); }) {}

HelperKiller::~HelperKiller() {
  if (thread_.joinable()) thread_.join();
}

bool HelperKiller::killed() {
  thread_.join();
  return killed_;
}

// What is traced goes on when this thread ends.
void HelperKiller::trace(pid_t server) {
  constexpr long kClones = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
  const bool traces = ::ptrace(PTRACE_SEIZE, server, nullptr, kClones) == 0;
  started_.set_value(traces);
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (traces && !killed_ && std::chrono::steady_clock::now() < end) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, __WALL | __WNOTHREAD | WNOHANG);
    if (pid <= 0) {
      ::usleep(200);
      continue;
    }
    if (!WIFSTOPPED(status)) continue;
    const int event = status >> 16;
    const bool has_cloned =
        event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE;
    if (has_cloned && pid != server) {
      (void)::kill(pid, SIGKILL);
      killed_ = true;
    } else {
      const long signal = event == 0 ? WSTOPSIG(status) : 0;
      (void)::ptrace(PTRACE_CONT, pid, nullptr, signal);
    }
  }
}

std::size_t count_children(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/task/" + pid + "/children");
  std::size_t count = 0;
  for (std::string child; file >> child;) ++count;
  return count;
}

}  // namespace stagebox::testing
