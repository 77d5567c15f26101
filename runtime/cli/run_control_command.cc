// Commands that act on the process of a run.
#include <poll.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <iostream>

#include "runtime/base/syscalls.h"
#include "runtime/base/unique_fd.h"
#include "runtime/base/wait_ready.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/run/state/stored_state.h"

namespace stagebox::cli {
namespace {

using base::Result;

// Longer than the grace time of any stage; then the user should know.
constexpr std::chrono::seconds kWait{60};

Result<void> wait_for_end(int process) {
  if (base::wait_ready(process, POLLIN, kWait)) return {};
  return base::system_error("wait for the run to end", ETIMEDOUT);
}

}  // namespace

Result<int> cancel_command(const CancelOptions& options) {
  const run::StoredState state = TRY(run::StoredState::open());
  const store::RunRecord run = TRY(state.runs().find_run(options.run));
  if (run.state != store::RunState::kRunning)
    return base::invalid("the run " + run.id + " has ended already");
  // Whoever died has been buried when the state was opened, so this is the process of the run and
  // not another one with its number.
  const base::UniqueFd process(base::sys::pidfd_open(run.pid));
  if (!process) return base::system_error("find the process of the run " + run.id, -process.get());
  const long sent = base::sys::pidfd_send_signal(process.get(), SIGTERM);
  if (sent < 0)
    return base::system_error("signal the process of the run " + run.id, static_cast<int>(-sent));
  TRY(wait_for_end(process.get()));
  std::cout << "cancelled " << run.id << '\n';
  return kSuccess;
}

}  // namespace stagebox::cli
