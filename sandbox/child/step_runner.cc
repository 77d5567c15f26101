#include "sandbox/child/step_runner.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/syscalls.h"

namespace stagebox::sandbox::child {
namespace {

constexpr int kThisProcess = 1;  // IOPRIO_WHO_PROCESS of linux/ioprio.h; 0 as the id is the caller

int negative_errno(int value) { return value < 0 ? -errno : 0; }

}  // namespace

int StepRunner::run(const Step& step) {
  int result = run_namespace_step(step);
  if (result == kNotMine) result = run_identity_step(step);
  if (result == kNotMine) result = run_staging_step(step);
  if (result == kNotMine) result = run_root_step(step);
  return result == kNotMine ? -EINVAL : result;
}

int StepRunner::run_namespace_step(const Step& step) {
  const char* text = context_.plan.text(step.text1);
  switch (step.kind) {
    case StepKind::kBecomeNamespaceRoot:
      return become_namespace_root(step);
    case StepKind::kNewCgroupNamespace:
      return negative_errno(::unshare(CLONE_NEWCGROUP));
    case StepKind::kWriteOwnProc:
      return write_own_proc(text, context_.plan.text(step.text2));
    case StepKind::kNewTimeNamespace:
      return new_time_namespace(text);
    case StepKind::kLoopbackUp:
      return loopback_up();
    case StepKind::kHandOutListener:
      return hand_out_listener(context_.fds[step.fd], static_cast<std::uint16_t>(step.number1));
    case StepKind::kUnreachable:
      return make_unreachable(text, step.number1);
    case StepKind::kHandOutNamespaces:
      return hand_out_namespaces(context_.fds[step.fd]);
    case StepKind::kSysctl:
      return set_sysctl(text, context_.plan.text(step.text2));
    case StepKind::kOpenProc:
      return open_proc(step);
    case StepKind::kSetHostname:
      return negative_errno(::sethostname(text, std::strlen(text)));
    case StepKind::kSetDomainname:
      return negative_errno(::setdomainname(text, std::strlen(text)));
    default:
      return kNotMine;
  }
}

int StepRunner::run_identity_step(const Step& step) {
  const char* text = context_.plan.text(step.text1);
  switch (step.kind) {
    case StepKind::kNewSession:
      return new_session();
    case StepKind::kStdio:
      return stdio(step);
    case StepKind::kRlimit:
      return set_rlimit(step, text);
    case StepKind::kScheduler:
      return static_cast<int>(base::sys::call(SYS_sched_setattr, 0, text, 0U));
    case StepKind::kIoPriority:
      return static_cast<int>(base::sys::call(SYS_ioprio_set, kThisProcess, 0, step.number1));
    case StepKind::kLinux32:
      return negative_errno(::personality(PER_LINUX32));
    case StepKind::kMemoryPolicy:
      return static_cast<int>(base::sys::call(SYS_set_mempolicy, step.number1,
                                              step.number2 == 0 ? nullptr : text, step.number2));
    case StepKind::kAffinity:
      return static_cast<int>(base::sys::call(SYS_sched_setaffinity, 0, step.number1, text));
    case StepKind::kSecurityLabel:
      return set_security_label(text, context_.plan.text(step.text2));
    case StepKind::kCapabilityBounds:
      return bound_capabilities(step);
    case StepKind::kSetUser:
      return set_user(step, text);
    case StepKind::kUmask:
      (void)::umask(static_cast<mode_t>(step.number1));
      return 0;
    case StepKind::kDropCapabilities:
      return drop_capabilities(text);
    case StepKind::kNoNewPrivileges:
      return negative_errno(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    case StepKind::kWorkdir:
      return enter_workdir(text);
    case StepKind::kAwaitStart:
      return await_start();
    case StepKind::kLandlock:
      return restrict_to_root(step);
    case StepKind::kSeccomp:
      return seccomp(step, text);
    default:
      return kNotMine;
  }
}

int StepRunner::run_staging_step(const Step& step) {
  const char* text1 = context_.plan.text(step.text1);
  const char* text2 = context_.plan.text(step.text2);
  switch (step.kind) {
    case StepKind::kMakeMountsPrivate:
      return negative_errno(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
    case StepKind::kMountStaging:
      return mount_staging();
    case StepKind::kMakeStagingDir:
      return negative_errno(::mkdirat(staging_, text1, 0755));
    case StepKind::kMakeStagingFile:
      return make_staging_file(text1, text2);
    case StepKind::kAttachStaging:
      return attach_staging(step, text1);
    case StepKind::kMountOverlay:
      return mount_overlay(step, text1, text2);
    case StepKind::kStageFromRoot:
      return stage_from_root(text1, text2);
    case StepKind::kStageTmpfs:
      return stage_tmpfs(text1, text2);
    case StepKind::kStageUpper:
      return stage_upper(step, text1, text2);
    case StepKind::kOpenRoot:
      return open_root(text1);
    case StepKind::kEnterRoot:
      return enter_root();
    case StepKind::kOpenEnteredRoot:
      return open_entered_root();
    default:
      return kNotMine;
  }
}

int StepRunner::run_root_step(const Step& step) {
  const char* text1 = context_.plan.text(step.text1);
  const char* text2 = context_.plan.text(step.text2);
  switch (step.kind) {
    case StepKind::kMakeDir:
      return make_dir(text1, static_cast<unsigned>(step.number1));
    case StepKind::kMountTmpfs:
      return mount_tmpfs(step);
    case StepKind::kReportTmpfs:
      return report_tmpfs();
    case StepKind::kMountProc:
      return mount_new("proc", step, &proc_);
    case StepKind::kMountDevpts:
      return mount_new("devpts", step, &devpts_);
    case StepKind::kMountMqueue:
      return mount_new("mqueue", step);
    case StepKind::kMountSysfs:
      return mount_new("sysfs", step);
    case StepKind::kMountCgroup:
      return mount_new("cgroup2", step);
    case StepKind::kMaskPath:
      return mask_path(step, text1);
    case StepKind::kReadOnlyPath:
      return make_path_read_only(step, text1);
    case StepKind::kMakeRootReadOnly:
      return make_root_read_only();
    case StepKind::kRootPropagation:
      return set_root_propagation(step);
    case StepKind::kBindDevice:
      return bind_device(step, text1, text2);
    case StepKind::kOpenTerminal:
      return open_terminal(step);
    case StepKind::kBindConsole:
      return bind_console();
    case StepKind::kBindStaging:
      return bind_staging(text1, text2, static_cast<unsigned>(step.number1));
    case StepKind::kAttachRoot:
    case StepKind::kAttachRootFile:
      return attach_prepared(step, text1);
    case StepKind::kSymlink:
      return symlink(text1, text2);
    case StepKind::kWriteFile:
      return write_file(text1, text2);
    default:
      return kNotMine;
  }
}

}  // namespace stagebox::sandbox::child
