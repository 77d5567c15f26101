// The step that walls the stage's process in with landlock(7).
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/syscalls.h"
#include "sandbox/child/step_runner.h"

namespace stagebox::sandbox::child {
namespace sys = base::sys;

namespace {

// struct landlock_ruleset_attr as of ABI 6; a kernel takes a shorter or a zero-filled longer one.
struct Ruleset {
  std::uint64_t files;
  std::uint64_t network;
  std::uint64_t scoped;
};

int allow(int ruleset, int beneath, std::uint64_t files) {
  struct landlock_path_beneath_attr rule{};
  rule.allowed_access = files;
  rule.parent_fd = beneath;
  return static_cast<int>(
      sys::call(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0U));
}

// Standard input and output may be files or terminals of the one who started the sandbox.
// /dev/stdin and its like open them again: for what they are open for already, and no more.
int allow_stdio(int ruleset, std::uint64_t handled) {
  constexpr std::uint64_t kTruncate = std::uint64_t{1} << 14;
  constexpr std::uint64_t kIoctl = std::uint64_t{1} << 15;
  for (int fd = 0; fd < 3; ++fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    struct stat status{};
    if (flags < 0 || ::fstat(fd, &status) < 0) return -errno;
    // A rule for a directory would be one for everything beneath it.
    if (S_ISDIR(status.st_mode)) continue;
    std::uint64_t files = kIoctl;
    if ((flags & O_ACCMODE) != O_WRONLY) files |= LANDLOCK_ACCESS_FS_READ_FILE;
    if ((flags & O_ACCMODE) != O_RDONLY) files |= LANDLOCK_ACCESS_FS_WRITE_FILE | kTruncate;
    const int result = allow(ruleset, fd, files & handled);
    // EBADFD: a pipe or a socket, which Landlock leaves alone.
    if (result < 0 && result != -EBADFD) return result;
  }
  return 0;
}

// mq_open(3) finds its queues by a mount of the ipc namespace that is beneath nobody's root; of the
// one on /dev/mqueue it is the same file system, so a rule for that one's root holds for both.
int allow_message_queues(int ruleset, int root, std::uint64_t handled) {
  constexpr decltype(statfs::f_type) kMqueueMagic = 0x19800202;  // ipc/mqueue.c
  const int queues = sys::openat2(root, "dev/mqueue", O_PATH | O_DIRECTORY, 0,
                                  RESOLVE_IN_ROOT | RESOLVE_NO_SYMLINKS);
  if (queues < 0) return 0;  // Then there is no place for queues.
  struct statfs status{};
  int result = static_cast<int>(sys::call(SYS_fstatfs, queues, &status));
  if (result >= 0 && status.f_type == kMqueueMagic) result = allow(ruleset, queues, handled);
  ::close(queues);
  return result;
}

}  // namespace

int StepRunner::restrict_to_root(const Step& step) {
  const Ruleset attributes{step.number1, 0, step.number2};
  const std::size_t size = step.number2 != 0 ? sizeof(attributes) : sizeof(attributes.files);
  const int ruleset =
      static_cast<int>(sys::call(SYS_landlock_create_ruleset, &attributes, size, 0U));
  if (ruleset < 0) return ruleset;
  const int root = sys::openat2(AT_FDCWD, "/", O_PATH | O_DIRECTORY, 0, 0);
  int result = root < 0 ? root : allow(ruleset, root, step.number1);
  if (result >= 0) result = allow_stdio(ruleset, step.number1);
  if (result >= 0) result = allow_message_queues(ruleset, root, step.number1);
  if (result >= 0) result = static_cast<int>(sys::call(SYS_landlock_restrict_self, ruleset, 0U));
  if (root >= 0) ::close(root);
  ::close(ruleset);
  return result;
}

}  // namespace stagebox::sandbox::child
