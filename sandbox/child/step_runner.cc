#include "sandbox/child/step_runner.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace stagebox::sandbox::child {
namespace {

int negative_errno(int value) { return value < 0 ? -errno : 0; }

}  // namespace

int StepRunner::run(const Step& step) {
  int result = run_identity_step(step);
  if (result == kNotMine) result = run_staging_step(step);
  if (result == kNotMine) result = run_root_step(step);
  return result == kNotMine ? -EINVAL : result;
}

int StepRunner::run_identity_step(const Step& step) {
  const char* text = context_.plan.text(step.text1);
  switch (step.kind) {
    case StepKind::kBecomeNamespaceRoot:
      return become_namespace_root(step);
    case StepKind::kNewCgroupNamespace:
      return negative_errno(::unshare(CLONE_NEWCGROUP));
    case StepKind::kNewTimeNamespace:
      return new_time_namespace();
    case StepKind::kLandlock:
      return restrict_to_root(step);
    case StepKind::kLoopbackUp:
      return loopback_up();
    case StepKind::kHandOutListener:
      return hand_out_listener(context_.fds[step.fd], static_cast<std::uint16_t>(step.number1));
    case StepKind::kSetHostname:
      return negative_errno(::sethostname(text, std::strlen(text)));
    case StepKind::kNewSession:
      return new_session();
    case StepKind::kStdio:
      return stdio();
    case StepKind::kRlimit:
      return set_rlimit(step);
    case StepKind::kCapabilityBounds:
      return bound_capabilities(step.number1);
    case StepKind::kSetUser:
      return set_user(step, text);
    case StepKind::kDropCapabilities:
      return drop_capabilities(step.number1);
    case StepKind::kNoNewPrivileges:
      return negative_errno(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
    case StepKind::kWorkdir:
      return enter_workdir(text);
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
    case StepKind::kAttachStaging:
      return attach_staging(step, text1);
    case StepKind::kMountOverlay:
      return mount_overlay(text1, text2);
    case StepKind::kOpenRoot:
      return open_root(text1);
    case StepKind::kEnterRoot:
      return enter_root();
    default:
      return kNotMine;
  }
}

int StepRunner::run_root_step(const Step& step) {
  const char* text1 = context_.plan.text(step.text1);
  const char* text2 = context_.plan.text(step.text2);
  const int fd = step.fd >= 0 ? context_.fds[step.fd] : -1;
  const auto attributes = static_cast<unsigned>(step.number1);
  switch (step.kind) {
    case StepKind::kMakeDir:
      return make_dir(text1, attributes);
    case StepKind::kMountTmpfs:
      return mount_tmpfs(text1, text2, attributes);
    case StepKind::kMountProc:
      return mount_proc(text1, attributes);
    case StepKind::kMaskProcFile:
      return mask_proc_file(text1);
    case StepKind::kMaskProcDir:
      return mask_proc_dir(text1);
    case StepKind::kMountDevpts:
      return mount_devpts(text1, text2);
    case StepKind::kBindDevice:
      return bind_device(text1, text2);
    case StepKind::kBindStaging:
      return bind_staging(text1, text2, attributes);
    case StepKind::kAttachRoot:
      return attach_root(fd, text1, true);
    case StepKind::kAttachRootFile:
      return attach_root(fd, text1, false);
    case StepKind::kSymlink:
      return symlink(text1, text2);
    case StepKind::kWriteFile:
      return write_file(text1, text2);
    default:
      return kNotMine;
  }
}

}  // namespace stagebox::sandbox::child
