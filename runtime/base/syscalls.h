// Linux system calls that libc 2.36 does not wrap, or wraps with behaviour we cannot have between
// clone and exec. Each raw call stands here once. Nothing in this header allocates, locks or
// throws, so that the code between clone and exec may use it too: every function returns the call's
// value, or -errno.
#pragma once

#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>

// Linux 5.6; one of libc's own headers may be older.
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x00000080
#endif

namespace stagebox::base::sys {

/// syscall(2) with the kernel's own convention: the value, or -errno.
template <typename... Args>
inline long call(long number, Args... args) noexcept {
  const long value = ::syscall(number, args...);
  return value < 0 ? -errno : value;
}

/// openat2(2), Linux 5.6. `resolve` is a set of RESOLVE_*; O_CLOEXEC is added.
inline int openat2(int dir_fd, const char* path, int flags, unsigned mode,
                   std::uint64_t resolve) noexcept {
  struct open_how how{};
  how.flags =
      static_cast<std::uint64_t>(static_cast<unsigned>(flags) | static_cast<unsigned>(O_CLOEXEC));
  how.mode = mode;
  how.resolve = resolve;
  return static_cast<int>(call(SYS_openat2, dir_fd, path, &how, sizeof(how)));
}

/// clone3(2), Linux 5.3; with fork semantics (no stack, no CLONE_VM). 0 in the child.
inline long clone3(struct clone_args* args) noexcept {
  return call(SYS_clone3, args, sizeof(*args));
}

/// pidfd_open(2), Linux 5.3. The descriptor is CLOEXEC.
inline int pidfd_open(pid_t pid) noexcept {
  return static_cast<int>(call(SYS_pidfd_open, pid, 0U));
}

/// pidfd_send_signal(2), Linux 5.1.
inline int pidfd_send_signal(int pidfd, int signal) noexcept {
  return static_cast<int>(call(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0U));
}

/// close_range(2), Linux 5.9.
inline int close_range(unsigned first, unsigned last, unsigned flags) noexcept {
  return static_cast<int>(call(SYS_close_range, first, last, flags));
}

/// open_tree(2), Linux 5.2. The descriptor is CLOEXEC.
inline int open_tree(int dir_fd, const char* path, unsigned flags) noexcept {
  return static_cast<int>(call(SYS_open_tree, dir_fd, path, flags | OPEN_TREE_CLOEXEC));
}

/// move_mount(2), Linux 5.2.
inline int move_mount(int from_fd, const char* from, int to_fd, const char* to,
                      unsigned flags) noexcept {
  return static_cast<int>(call(SYS_move_mount, from_fd, from, to_fd, to, flags));
}

/// fsopen(2), Linux 5.2. The descriptor is CLOEXEC.
inline int fsopen(const char* type) noexcept {
  return static_cast<int>(call(SYS_fsopen, type, FSOPEN_CLOEXEC));
}

/// fsconfig(2), Linux 5.2.
inline int fsconfig(int fs_fd, unsigned command, const char* key, const void* value,
                    int aux) noexcept {
  return static_cast<int>(call(SYS_fsconfig, fs_fd, command, key, value, aux));
}

/// fsmount(2), Linux 5.2; `attributes` is a set of MOUNT_ATTR_*. The descriptor is CLOEXEC.
inline int fsmount(int fs_fd, unsigned attributes) noexcept {
  return static_cast<int>(call(SYS_fsmount, fs_fd, FSMOUNT_CLOEXEC, attributes));
}

/// mount_setattr(2), Linux 5.12.
inline int mount_setattr(int dir_fd, const char* path, unsigned flags,
                         const struct mount_attr& attributes) noexcept {
  return static_cast<int>(
      call(SYS_mount_setattr, dir_fd, path, flags, &attributes, sizeof(attributes)));
}

/// pivot_root(2).
inline int pivot_root(const char* new_root, const char* put_old) noexcept {
  return static_cast<int>(call(SYS_pivot_root, new_root, put_old));
}

/// setresuid(2) and relatives for the calling task alone: libc's wrappers signal every thread.
inline int setresuid(uid_t id) noexcept {
  return static_cast<int>(call(SYS_setresuid, id, id, id));
}
/// The same for the effective uid alone.
inline int set_effective_uid(uid_t id) noexcept {
  constexpr uid_t kUnchanged = ~uid_t{0};
  return static_cast<int>(call(SYS_setresuid, kUnchanged, id, kUnchanged));
}
inline int setresgid(gid_t id) noexcept {
  return static_cast<int>(call(SYS_setresgid, id, id, id));
}
inline int setgroups(std::size_t count, const gid_t* groups) noexcept {
  return static_cast<int>(call(SYS_setgroups, count, groups));
}

/// seccomp(2), Linux 3.17.
inline int seccomp(unsigned operation, unsigned flags, const void* arguments) noexcept {
  return static_cast<int>(call(SYS_seccomp, operation, flags, arguments));
}

}  // namespace stagebox::base::sys
