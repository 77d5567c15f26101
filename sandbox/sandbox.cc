#include "sandbox/sandbox.h"

#include <fcntl.h>
#include <linux/magic.h>
#include <poll.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "runtime/base/pipe.h"
#include "runtime/base/syscalls.h"
#include "runtime/base/wait_ready.h"
#include "sandbox/child_plan_builder.h"
#include "sandbox/fd_message.h"
#include "sandbox/step_description.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;

// A stage opens /dev/stdout by its name, and a pipe belongs to who made it. Only pipes without a
// name: a file or a terminal that was passed in keeps its owner.
void give_pipes_to(const IdMap& ids, const User& user, const std::array<UniqueFd, 3>& stdio) {
  for (const UniqueFd& fd : stdio) {
    struct statfs status{};
    if (::fstatfs(fd.get(), &status) != 0 || status.f_type != PIPEFS_MAGIC) continue;
    // Without permission (a pipe of somebody else's) it stays as it is.
    (void)!::fchown(fd.get(), ids.first + user.uid, ids.first + user.gid);
  }
}

base::Error explain_step(const std::vector<std::byte>& plan, const child::ChildReport& report) {
  const std::string step = describe_step(plan, report.step_index);
  std::string text = "set up the sandbox: " + step + ": " + base::errno_text(report.error);
  if (report.error == ELOOP || report.error == ENOTDIR) {
    text += " (the image has a symbolic link or a file there; it is not followed)";
  }
  base::Error error = base::unsupported(std::move(text));
  error.errno_value = report.error;
  return error;
}

}  // namespace

Result<Sandbox> Sandbox::start(ForkServer& server, const SandboxSpec& spec,
                               SandboxResources resources) {
  if (spec.limits.needs_cgroup() && !resources.cgroup) {
    return base::unsupported("the sandbox has limits but no cgroup to enforce them");
  }
  if (spec.proxy && !resources.proxy_channel.valid())
    return base::invalid("the sandbox has a proxy but no channel to hand its listener out");
  const std::vector<std::byte> plan = TRY(build_child_plan(spec, KernelFeatures::probed()));
  SocketPair report = TRY(make_socket_pair());
  base::Pipe exit = TRY(base::make_pipe());
  give_pipes_to(resources.ids, spec.user, resources.stdio);
  ForkServer::Request request;
  request.plan = plan;
  request.step_fds.push_back(resources.scratch.get());
  for (const UniqueFd& layer : resources.layers) request.step_fds.push_back(layer.get());
  for (const UniqueFd& input : resources.inputs) request.step_fds.push_back(input.get());
  if (spec.proxy) request.step_fds.push_back(resources.proxy_channel.get());
  for (std::size_t i = 0; i < request.stdio.size(); ++i)
    request.stdio.at(i) = resources.stdio.at(i).get();
  request.report_fd = report.theirs.get();
  request.exit_fd = exit.write_end.get();
  request.ids = resources.ids;
  request.deny_setgroups = spec.groups == SandboxSpec::Groups::kFixed;
  if (resources.cgroup) {
    request.cgroup_dir = resources.cgroup->v2_dir();
    for (const UniqueFd& procs : resources.cgroup->v1_procs())
      request.cgroup_procs.push_back(procs.get());
  }
  Sandbox sandbox;
  sandbox.cgroup_ = std::move(resources.cgroup);
  sandbox.pidfd_ = TRY(server.clone_sandbox(request));
  report.theirs.reset();
  exit.write_end.reset();
  sandbox.exit_pipe_ = std::move(exit.read_end);
  TRY(sandbox.await_exec(report.ours.get(), plan));
  return sandbox;
}

Result<void> Sandbox::await_exec(int report_fd, const std::vector<std::byte>& plan) {
  for (;;) {
    child::ChildReport report{};
    Message message =
        TRY(receive_message(report_fd, std::as_writable_bytes(std::span(&report, 1))));
    if (message.closed) return {};
    if (report.kind == child::ChildReport::Kind::kFailed) return fail(plan, report);
    if (message.fds.size() != 1) return base::system_error("receive a filter's listener", EBADMSG);
    observer_ = TRY(SyscallObserver::start(std::move(message.fds.front())));
  }
}

Result<void> Sandbox::fail(const std::vector<std::byte>& plan, const child::ChildReport& report) {
  if (is_exec_step(plan, report.step_index)) {
    const child::PlanView view(plan.data());
    exec_failure_ = ExecFailure{report.error, view.text(view.step(report.step_index).text1)};
    return {};
  }
  (void)signal(SIGKILL);
  (void)base::wait_ready(pidfd_.get(), POLLIN);
  return explain_step(plan, report);
}

std::vector<DeniedSyscall> Sandbox::denied_syscalls() const {
  return observer_ ? observer_->finish() : std::vector<DeniedSyscall>();
}

Sandbox::~Sandbox() {
  if (!pidfd_.valid()) return;
  (void)signal(SIGKILL);
  (void)base::wait_ready(pidfd_.get(), POLLIN);
}

Result<void> Sandbox::signal(int signal) const {
  const int result = base::sys::pidfd_send_signal(pidfd_.get(), signal);
  if (result < 0 && result != -ESRCH) return base::system_error("signal the sandbox", -result);
  return {};
}

std::optional<child::ExitRecord> Sandbox::exit_record() const {
  child::ExitRecord record{};
  if (::read(exit_pipe_.get(), &record, sizeof(record)) != sizeof(record)) return std::nullopt;
  return record;
}

CgroupUsage Sandbox::cgroup_usage() const { return cgroup_ ? cgroup_->usage() : CgroupUsage{}; }

std::chrono::microseconds Sandbox::cpu_time() const {
  return cgroup_ ? cgroup_->cpu_time() : std::chrono::microseconds{};
}

Result<void> Sandbox::destroy() {
  if (!cgroup_) return {};
  auto result = cgroup_->destroy();
  cgroup_.reset();
  return result;
}

}  // namespace stagebox::sandbox
