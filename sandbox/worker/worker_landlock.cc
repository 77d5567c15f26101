// confine_files: Landlock for workers. A second wall behind the empty root: whatever directory a
// worker may get hold of, it reads only beneath those it was given, and writes beneath one.
#include <linux/landlock.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "runtime/base/files.h"
#include "runtime/base/syscalls.h"
#include "sandbox/worker/worker_protocol.h"

namespace stagebox::sandbox {
namespace {

namespace sys = base::sys;

constexpr std::uint64_t kRead = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR;
constexpr std::uint64_t kWrite =
    LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |
    LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |
    LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_SYM | LANDLOCK_ACCESS_FS_REFER;
constexpr std::uint64_t kNever =
    LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_BLOCK;
// The first refuses every link from one directory to another (Linux 5.13 to 5.18).
constexpr long kFirstUsableVersion = 2;

base::Result<void> allow_beneath(int ruleset, int directory, std::uint64_t access) {
  struct landlock_path_beneath_attr rule{};
  rule.allowed_access = access;
  rule.parent_fd = directory;
  const long result =
      sys::call(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
  if (result < 0) return base::system_error("add a Landlock rule", static_cast<int>(-result));
  return {};
}

}  // namespace

base::Result<void> confine_files(std::span<const base::UniqueFd> fds, int writable) {
  const long version =
      sys::call(SYS_landlock_create_ruleset, nullptr, 0, LANDLOCK_CREATE_RULESET_VERSION);
  if (version < kFirstUsableVersion) return {};  // the kernel has none that is of use
  struct landlock_ruleset_attr attributes{};
  attributes.handled_access_fs = kRead | kWrite | kNever;
  const base::UniqueFd ruleset(
      static_cast<int>(sys::call(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0)));
  if (!ruleset) return base::system_error("make a Landlock ruleset", -ruleset.get());
  for (std::size_t i = 0; i < fds.size(); ++i) {
    const struct stat status = TRY(base::stat_fd(fds[i].get()));
    if (!S_ISDIR(status.st_mode)) continue;
    const bool may_write = static_cast<int>(i) == writable;
    TRY(allow_beneath(ruleset.get(), fds[i].get(), may_write ? kRead | kWrite : kRead));
  }
  const long result = sys::call(SYS_landlock_restrict_self, ruleset.get(), 0);
  if (result < 0) return base::system_error("enforce Landlock", static_cast<int>(-result));
  return {};
}

}  // namespace stagebox::sandbox
