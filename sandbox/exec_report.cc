#include "sandbox/exec_report.h"

#include <linux/filter.h>
#include <string.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <string_view>

#include "sandbox/child/child_plan.h"
#include "sandbox/fork_server/fd_message.h"
#include "sandbox/step_description.h"

namespace stagebox::sandbox {
namespace {

using base::Result;

// What was asked for is not in the image or in what was put into it.
bool is_no_directory(const std::vector<std::byte>& plan, std::uint32_t index, int errno_value) {
  return is_step(plan, index, child::StepKind::kWorkdir) &&
         (errno_value == ENOENT || errno_value == ENOTDIR || errno_value == EACCES ||
          errno_value == ELOOP || errno_value == ENAMETOOLONG);
}

// What the error means where its own words mislead.
std::string_view meaning(const std::vector<std::byte>& plan, std::uint32_t index, int errno_value) {
  // ENOENT of AppArmor, EINVAL of SELinux.
  if (is_step(plan, index, child::StepKind::kSecurityLabel) &&
      (errno_value == ENOENT || errno_value == EINVAL))
    return " (it is not loaded: the machine's security module knows none of this name)";
  if (errno_value == ELOOP || errno_value == ENOTDIR)
    return " (the image has a symbolic link or a file there; it is not followed)";
  return "";
}

base::Error explain_step(const std::vector<std::byte>& plan, std::uint32_t index, int errno_value) {
  std::string text = describe_step(plan, index) + ": " + base::errno_text(errno_value);
  // Not of a disk: without the number nobody takes it for one.
  if (is_step(plan, index, child::StepKind::kOpenTerminal) && errno_value == ENOSPC)
    return base::unsupported("set up the sandbox: " + describe_step(plan, index) +
                             ": this machine has no more of them (/proc/sys/kernel/pty)");
  if (is_no_directory(plan, index, errno_value)) return base::invalid(std::move(text));
  text.insert(0, "set up the sandbox: ");
  text += meaning(plan, index, errno_value);
  base::Error error = base::unsupported(std::move(text));
  error.errno_value = errno_value;
  return error;
}

// What the process loads as its filter.
std::vector<sock_filter> filter_of(const std::vector<std::byte>& plan) {
  const child::PlanView view(plan.data());
  std::vector<sock_filter> filter;
  for (std::uint32_t i = 0; i < view.header().step_count; ++i) {
    const child::Step& step = view.step(i);
    if (step.kind != child::StepKind::kSeccomp) continue;
    filter.resize(step.number1);
    std::memcpy(filter.data(), view.text(step.text1), step.number1 * sizeof(sock_filter));
  }
  return filter;
}

}  // namespace

ExecReport::~ExecReport() { ::explicit_bzero(plan_.data(), plan_.size()); }

Result<ExecReport::Next> ExecReport::wait() {
  for (;;) {
    child::ChildReport report{};
    Message message =
        TRY(receive_message(socket_.get(), std::as_writable_bytes(std::span(&report, 1))));
    if (message.closed) return Next::kOver;
    switch (report.kind) {
      case child::ChildReport::Kind::kFailed:
        TRY(fail(report.step_index, report.error));
        return Next::kOver;
      case child::ChildReport::Kind::kOutsideOfCgroup:
        return base::system_error("move the sandbox into its cgroup", report.error);
      case child::ChildReport::Kind::kReady:
        return Next::kReady;
      case child::ChildReport::Kind::kTerminal:
        if (message.fds.size() != 1) return base::system_error("receive a terminal", EBADMSG);
        terminal_ = std::move(message.fds.front());
        break;
      case child::ChildReport::Kind::kTmpfs:
        tmpfs_ = TRY(hold_tmpfs(plan_, std::move(message.fds)));
        break;
      case child::ChildReport::Kind::kListener:
        if (message.fds.size() != 1)
          return base::system_error("receive a filter's listener", EBADMSG);
        observer_ = TRY(SyscallObserver::start(std::move(message.fds.front()), filter_of(plan_)));
        break;
    }
  }
}

Result<void> ExecReport::proceed() const {
  if (::send(socket_.get(), "g", 1, MSG_NOSIGNAL) == 1) return {};
  return base::system_error("start a sandbox whose process is dead", ESRCH);
}

Result<void> ExecReport::fail(std::uint32_t step_index, int error) {
  // Of the command itself the failure is the stage's.
  if (!is_step(plan_, step_index, child::StepKind::kExec))
    return explain_step(plan_, step_index, error);
  const child::PlanView view(plan_.data());
  exec_failure_ = ExecFailure{error, view.text(view.step(step_index).text1)};
  return {};
}

}  // namespace stagebox::sandbox
