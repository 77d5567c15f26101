#include "sandbox/child/share_main.h"

#include <sched.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "sandbox/child/join_main.h"
#include "sandbox/child/send_descriptor.h"

namespace stagebox::sandbox::child {
namespace {

[[noreturn]] void answer(const ShareContext& with, const JoinAnswer& answer, int pidfd) {
  (void)send_bytes_with_descriptor(with.teller.answer_fd, &answer, sizeof(answer), pidfd);
  ::_exit(0);
}

}  // namespace

void share_main(const ChildContext& context, const ShareContext& with) {
  sigset_t all;
  ::sigfillset(&all);
  (void)::sigprocmask(SIG_SETMASK, &all, nullptr);
  using Failed = JoinAnswer::Step;
  // Each is of the kind that it was taken for (Sandbox): 0 is any.
  for (std::size_t i = 0; i < with.namespace_count; ++i) {
    if (::setns(with.namespaces[i], 0) < 0) answer(with, {Failed::kNamespaces, errno, 0}, -1);
  }
  int pidfd = -1;
  struct clone_args args{};
  args.flags = with.clone_flags | CLONE_PIDFD;
  args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
  if (with.cgroup_dir >= 0) {
    args.flags |= CLONE_INTO_CGROUP;
    args.cgroup = static_cast<unsigned>(with.cgroup_dir);
  }
  const long pid = clone_sibling(with.teller, args);
  if (pid == 0) {
    ::close(with.go_write_end);
    child_main(context);
  }
  if (pid < 0) answer(with, {Failed::kNamespaces, static_cast<std::int32_t>(-pid), 0}, -1);
  answer(with, {Failed::kNamespaces, 0, static_cast<pid_t>(pid)}, pidfd);
}

}  // namespace stagebox::sandbox::child
