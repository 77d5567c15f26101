// CreatorIdentity: who makes a user namespace (IdMap::creator) is the effective uid of who clones.
// While one of these lives that is not the host's root, who the fork server is else, but with all
// of root's capabilities. For a process with one thread; nothing here allocates.
#pragma once

#include <linux/securebits.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>

#include "runtime/base/syscalls.h"

namespace stagebox::sandbox {
namespace creator {

// A change of ids takes no capability away from now on. A new user namespace begins without this.
inline int keep_capabilities() {
  const int bits = ::prctl(PR_GET_SECUREBITS, 0, 0, 0, 0);
  if (bits < 0) return -errno;
  const int wanted = bits | SECBIT_NO_SETUID_FIXUP;
  if (bits == wanted) return 0;
  return ::prctl(PR_SET_SECUREBITS, wanted, 0, 0, 0) < 0 ? -errno : 0;
}

// A change of ids makes a process dumpable where the machine is set to it (fs.suid_dumpable).
inline int take_effective_uid(uid_t id) {
  const int result = base::sys::set_effective_uid(id);
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  return result;
}

}  // namespace creator

class CreatorIdentity {
 public:
  /// 0: who we are.
  explicit CreatorIdentity(std::uint32_t id)
      : error_(id == 0 ? 0 : creator::keep_capabilities()), changed_(id != 0 && error_ == 0) {
    if (changed_) error_ = creator::take_effective_uid(id);
  }
  CreatorIdentity(const CreatorIdentity&) = delete;
  CreatorIdentity& operator=(const CreatorIdentity&) = delete;
  /// What we cannot give back nobody may go on with.
  ~CreatorIdentity() {
    if (changed_ && creator::take_effective_uid(0) < 0) ::_exit(1);
  }
  /// errno, or 0.
  [[nodiscard]] int error() const { return -error_; }

 private:
  int error_;
  bool changed_;
};

}  // namespace stagebox::sandbox
