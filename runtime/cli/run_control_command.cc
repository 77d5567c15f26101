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
#include "runtime/run/engine/intent.h"
#include "runtime/run/engine/process_identity.h"
#include "runtime/run/state/stored_state.h"
#include "runtime/store/instance_lock.h"

namespace stagebox::cli {
namespace {

using base::Result;

// Longer than the grace time of any stage; then the user should know.
constexpr std::chrono::seconds kWait{60};

base::Error has_ended(const store::RunRecord& run) {
  return base::invalid("the run " + run.id + " has ended already");
}

Result<void> wait_for_end(int process) {
  if (base::wait_ready(process, POLLIN, kWait)) return {};
  return base::system_error("wait for the run to end", ETIMEDOUT);
}

// Not before the process is held on to: while the instance lives, and it began when the instance
// says, it is that of the run, and not another one with its number. In another pid namespace that
// number is another one's, or nobody's.
Result<void> check_is_of(const store::RunRecord& run, const store::Home& home) {
  const auto note = TRY(store::InstanceLock::living_note(home, run.instance));
  if (!note) return has_ended(run);
  const run::Intent intent = run::decode_intent(*note, run.instance);
  if (intent.pid_namespace && intent.pid_namespace != run::own_pid_namespace())
    return base::invalid("the run " + run.id +
                         " is the work of a process in another pid namespace, a container for "
                         "example: cancel it there");
  if (intent.process_start && intent.process_start != run::process_start(run.pid))
    return has_ended(run);
  return {};
}

// Whoever ended in the same moment was not cancelled.
Result<std::string> told_end(const std::string& id) {
  const run::StoredState state = TRY(run::StoredState::open());
  const store::RunRecord run = TRY(state.runs().find_run(id));
  if (run.state == store::RunState::kCancelled) return "cancelled " + id;
  return "the run " + id + " had ended: " + std::string(store::run_state_name(run.state));
}

}  // namespace

Result<int> cancel_command(const CancelOptions& options) {
  const run::StoredState state = TRY(run::StoredState::open());
  const store::RunRecord run = TRY(state.runs().find_run(options.run));
  if (run.state != store::RunState::kRunning) return has_ended(run);
  const base::UniqueFd process(base::sys::pidfd_open(run.pid));
  TRY(check_is_of(run, state.home()));
  if (!process) return base::system_error("find the process of the run " + run.id, -process.get());
  const long sent = base::sys::pidfd_send_signal(process.get(), SIGTERM);
  if (sent < 0)
    return base::system_error("signal the process of the run " + run.id, static_cast<int>(-sent));
  TRY(wait_for_end(process.get()));
  const std::string end = TRY(told_end(run.id));
  std::cout << end << '\n';
  return kSuccess;
}

}  // namespace stagebox::cli
