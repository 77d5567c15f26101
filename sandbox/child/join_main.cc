#include "sandbox/child/join_main.h"

#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>

#include "runtime/base/syscalls.h"
#include "sandbox/child/send_descriptor.h"
#include "sandbox/child/step_runner.h"

namespace stagebox::sandbox::child {
namespace sys = base::sys;

namespace {

int enter(const JoinContext& to) {
  const auto time = static_cast<std::uint32_t>(CLONE_NEWTIME);
  // Not through the pidfd: pid 1 itself is still in the old one. First, because it may be one that
  // the sandbox has no power over.
  long result = 0;
  if ((to.namespaces & time) != 0) result = sys::call(SYS_setns, to.time_namespace, time);
  // All at once: halfway in there is no way to go on.
  if (result >= 0) result = sys::call(SYS_setns, to.pidfd, to.namespaces & ~time);
  return static_cast<int>(result);
}

[[noreturn]] void answer(const JoinContext& to, const JoinAnswer& answer, int pidfd) {
  (void)send_bytes_with_descriptor(to.teller.answer_fd, &answer, sizeof(answer), pidfd);
  ::_exit(0);
}

}  // namespace

void join_main(const ChildContext& context, const JoinContext& to) {
  sigset_t all;
  ::sigfillset(&all);
  (void)::sigprocmask(SIG_SETMASK, &all, nullptr);
  using Failed = JoinAnswer::Step;
  const int joined = join_cgroups(context);
  if (joined < 0) answer(to, {Failed::kCgroups, -joined, 0}, -1);
  const int entered = enter(to);
  if (entered < 0) answer(to, {Failed::kNamespaces, -entered, 0}, -1);
  int pidfd = -1;
  struct clone_args args{};
  args.flags = CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  const long pid = clone_sibling(to.teller, args);
  if (pid == 0) run_joined_process(context);
  if (pid < 0) answer(to, {Failed::kNamespaces, static_cast<std::int32_t>(-pid), 0}, -1);
  answer(to, {Failed::kNamespaces, 0, static_cast<pid_t>(pid)}, pidfd);
}

}  // namespace stagebox::sandbox::child
