// The steps that give the stage a terminal. It is one of the sandbox's own devpts, found through a
// descriptor; the other end leaves as a descriptor too. No path to it is ever resolved, so there is
// nothing to swap (CVE-2025-52565).
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/syscalls.h"
#include "sandbox/child/send_descriptor.h"
#include "sandbox/child/step_files.h"
#include "sandbox/child/step_runner.h"

namespace stagebox::sandbox::child {
namespace sys = base::sys;

namespace {

// In a sandbox that has been running, whoever may mount there could have put anything in its place.
bool is_terminal_maker(int fd) {
  struct stat status{};
  struct statfs filesystem{};
  return ::fstat(fd, &status) == 0 && S_ISCHR(status.st_mode) && status.st_rdev == makedev(5, 2) &&
         sys::call(SYS_fstatfs, fd, &filesystem) == 0 && filesystem.f_type == DEVPTS_SUPER_MAGIC;
}

// The other end, which becomes the stage's; or -errno. TIOCGPTPEER: Linux 4.13.
int open_peer(int master, const Step& step) {
  const int unlocked = 0;
  if (::ioctl(master, TIOCSPTLCK, &unlocked) < 0) return -errno;
  struct winsize size{};
  size.ws_row = static_cast<unsigned short>(step.number1 >> 16);
  size.ws_col = static_cast<unsigned short>(step.number1);
  if (::ioctl(master, TIOCSWINSZ, &size) < 0) return -errno;
  const int peer = ::ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  if (peer < 0) return -errno;
  if (::fchown(peer, static_cast<uid_t>(step.number2 >> 32), static_cast<gid_t>(step.number2)) == 0)
    return peer;
  const int error = -errno;
  ::close(peer);
  return error;
}

}  // namespace

int StepRunner::open_terminal(const Step& step) {
  constexpr int kFlags = O_RDWR | O_NOCTTY;
  const int master = devpts_ >= 0
                         ? sys::openat2(devpts_, "ptmx", kFlags, 0, kBeneathWithoutLinks)
                         : sys::openat2(root_, "dev/pts/ptmx", kFlags, 0, kBeneathWithoutLinks);
  if (master < 0) return master;
  terminal_ = is_terminal_maker(master) ? open_peer(master, step) : -ENOTTY;
  int result = terminal_ < 0 ? terminal_ : 0;
  if (result == 0) {
    const ChildReport report{ChildReport::Kind::kTerminal, 0, 0};
    result = send_bytes_with_descriptor(context_.report_fd, &report, sizeof(report), master);
  }
  ::close(master);
  return result;
}

int StepRunner::bind_console() {
  const int console = sys::open_tree(terminal_, "", AT_EMPTY_PATH | OPEN_TREE_CLONE);
  return console < 0 ? console : attach_root(console, "dev/console", false);
}

}  // namespace stagebox::sandbox::child
