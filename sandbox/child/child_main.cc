#include "sandbox/child/child_main.h"

#include <linux/capability.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "runtime/base/syscalls.h"
#include "sandbox/child/reaper.h"
#include "sandbox/child/reaper_filter.h"
#include "sandbox/child/step_runner.h"

namespace stagebox::sandbox::child {
namespace sys = base::sys;

namespace {

constexpr std::size_t kPathMax = 4096;

[[noreturn]] void fail(const ChildContext& context, std::uint32_t step_index, int error) {
  const ChildReport report{ChildReport::Kind::kFailed, step_index, -error};
  (void)!::write(context.report_fd, &report, sizeof(report));
  ::_exit(kSetupFailed);
}

const char* find_path_variable(char* const* environment) {
  for (; *environment != nullptr; ++environment) {
    if (std::strncmp(*environment, "PATH=", 5) == 0) return *environment + 5;
  }
  return "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
}

// execvpe(3) without its allocations. Returns -errno.
int execute(const ChildContext& context) {
  const char* command = context.argv[0];
  if (std::strchr(command, '/') != nullptr) {
    ::execve(command, context.argv, context.environment);
    return -errno;
  }
  int result = -ENOENT;
  const std::size_t command_size = std::strlen(command) + 1;
  for (const char* path = find_path_variable(context.environment); *path != '\0';) {
    const char* end = ::strchrnul(path, ':');
    const auto length = static_cast<std::size_t>(end - path);
    char candidate[kPathMax];
    if (length != 0 && length + 1 + command_size <= sizeof(candidate)) {
      std::memcpy(candidate, path, length);
      candidate[length] = '/';
      std::memcpy(candidate + length + 1, command, command_size);
      ::execve(candidate, context.argv, context.environment);
      if (errno != ENOENT && errno != ENOTDIR) result = -errno;
    }
    path = *end == ':' ? end + 1 : end;
  }
  return result;
}

// Only the report pipe stays, and exec closes it. Nothing that was opened while setting up can be
// reached by the stage, whatever was inherited without CLOEXEC.
int close_other_descriptors(int keep) {
  const auto kept = static_cast<unsigned>(keep);
  int result = 0;
  if (kept > 3) result = sys::close_range(3, kept - 1, 0);
  if (result >= 0) result = sys::close_range(kept + 1, ~0U, 0);
  return result;
}

[[noreturn]] void become_stage(const ChildContext& context, StepRunner& runner,
                               std::uint32_t index) {
  const PlanView& plan = context.plan;
  for (; index < plan.header().step_count; ++index) {
    const Step& step = plan.step(index);
    int result = 0;
    if (step.kind == StepKind::kExec) {
      result = execute(context);
    } else {
      result = runner.run(step);
    }
    if (result >= 0 && step.kind == StepKind::kStdio)
      result = close_other_descriptors(context.report_fd);
    if (result < 0) fail(context, index, result);
  }
  fail(context, index, -EINVAL);
}

[[noreturn]] void become_reaper(const ChildContext& context, pid_t stage) {
  // It has the stage's environment, with secrets perhaps, and this process is here as long as the
  // stage.
  (void)sys::call(SYS_munmap, context.plan.base(), context.plan.header().size);
  // What is left of our power: to signal the stage's processes, whatever their uid.
  struct __user_cap_header_struct header{};
  header.version = _LINUX_CAPABILITY_VERSION_3;
  struct __user_cap_data_struct data[2]{};
  data[0].effective = data[0].permitted = 1U << CAP_KILL;
  (void)sys::call(SYS_capset, &header, &data[0]);
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) ::_exit(kSetupFailed);
  const auto kept = static_cast<unsigned>(context.exit_fd);
  if (kept > 0) (void)sys::close_range(0, kept - 1, 0);
  (void)sys::close_range(kept + 1, ~0U, 0);
  if (load_reaper_filter(stage, context.exit_fd) < 0) ::_exit(kSetupFailed);
  reap_until_stage_ends(stage, context.exit_fd);
}

// The fork server keeps the other end of the go pipe: a hang-up means that it died before we asked
// to be told.
void exit_if_orphaned(int go_fd) {
  struct pollfd poll_fd{};
  poll_fd.fd = go_fd;
  if (::poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & POLLHUP) != 0) ::_exit(kSetupFailed);
}

pid_t fork_stage() {
  struct clone_args args{};
  args.exit_signal = SIGCHLD;
  return static_cast<pid_t>(sys::clone3(&args));
}

}  // namespace

void run_joined_process(const ChildContext& context) {
  // Entering the user namespace made it dumpable where the machine is set to it (fs.suid_dumpable).
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  StepRunner runner(context);
  become_stage(context, runner, 0);
}

int join_cgroups(const ChildContext& context) {
  for (std::uint32_t i = 0; i < context.v1_task_count; ++i) {
    if (::write(context.v1_tasks[i], "0", 1) != 1) return -errno;
  }
  return 0;
}

void child_main(const ChildContext& context) {
  sigset_t all;
  ::sigfillset(&all);
  (void)::sigprocmask(SIG_SETMASK, &all, nullptr);
  // Modes are those that the plan says. The stage's process gets an umask of its own.
  (void)::umask(0);
  const int joined = join_cgroups(context);
  char go = 0;
  if (::read(context.go_fd, &go, 1) != 1) ::_exit(kSetupFailed);
  if (joined < 0) {
    const ChildReport report{ChildReport::Kind::kOutsideOfCgroup, 0, -joined};
    (void)!::write(context.report_fd, &report, sizeof(report));
    ::_exit(kSetupFailed);
  }

  StepRunner runner(context);
  for (std::uint32_t index = 0; index < context.plan.header().step_count; ++index) {
    const Step& step = context.plan.step(index);
    if (step.kind == StepKind::kStartStage) {
      const pid_t stage = fork_stage();
      if (stage < 0) fail(context, index, static_cast<int>(stage));
      if (stage == 0) become_stage(context, runner, index + 1);
      become_reaper(context, stage);
    }
    const int result = runner.run(step);
    if (result < 0) fail(context, index, result);
    if (step.kind == StepKind::kBecomeNamespaceRoot) {
      // Pid 1 dies with the process that started it; changing ids would clear that.
      (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
      exit_if_orphaned(context.go_fd);
    }
  }
  fail(context, context.plan.header().step_count, -EINVAL);
}

}  // namespace stagebox::sandbox::child
