// The steps that write to the kernel's settings. Through the host's /proc, where nothing of the
// image has been mounted yet, and through a private one that nobody else ever sees: never through
// the one inside, which an image could have put a link or a mount in the way of (CVE-2025-52881).
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/syscalls.h"
#include "sandbox/child/step_runner.h"

namespace stagebox::sandbox::child {
namespace sys = base::sys;

namespace {

int write_text(int dir, const char* path, const char* content, std::uint64_t resolve) {
  const int file = sys::openat2(dir, path, O_WRONLY, 0, resolve);
  if (file < 0) return file;
  const int result = ::write(file, content, std::strlen(content)) < 0 ? -errno : 0;
  ::close(file);
  return result;
}

int private_proc() {
  const int fs = sys::fsopen("proc");
  if (fs < 0) return fs;
  int result = sys::fsconfig(fs, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0);
  if (result >= 0) result = sys::fsmount(fs, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV);
  ::close(fs);
  return result;
}

}  // namespace

int StepRunner::write_own_proc(const char* path, const char* content) {
  constexpr char kSelf[] = "/proc/self/";
  if (std::strncmp(path, kSelf, sizeof(kSelf) - 1) != 0)
    return write_text(AT_FDCWD, path, content, 0);
  // The files in /proc of an undumpable process belong to the host's root. Nobody else is in this
  // sandbox yet.
  (void)::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  const int result = write_text(AT_FDCWD, path, content, 0);
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return result;
}

int StepRunner::open_proc(const Step& step) {
  private_proc_ = step.fd >= 0 ? context_.fds[step.fd] : private_proc();
  return private_proc_ < 0 ? private_proc_ : 0;
}

// "self" is a link to what is beneath.
int StepRunner::set_security_label(const char* path, const char* content) const {
  return write_text(private_proc_, path, content, RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS);
}

int StepRunner::set_sysctl(const char* path, const char* value) {
  const int proc = private_proc();
  if (proc < 0) return proc;
  const int settings = sys::openat2(proc, "sys", O_PATH | O_DIRECTORY, 0, RESOLVE_NO_SYMLINKS);
  const int result = settings < 0
                         ? settings
                         : write_text(settings, path, value, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
  if (settings >= 0) ::close(settings);
  ::close(proc);
  return result;
}

}  // namespace stagebox::sandbox::child
