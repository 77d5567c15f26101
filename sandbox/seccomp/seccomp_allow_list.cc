// What ordinary programs (compilers, interpreters, package managers, test-suites, databases) need.
// Left out on purpose, although other runtimes allow them: io_uring_*, io_setup and relatives
// (whose contexts are counted for the whole machine: one sandbox could take all of them), the
// keyring, bpf, perf_event_open, userfaultfd, the mount family, open_by_handle_at, memory
// placement, modules, reboot, clocks, swap, quota, accounting, fanotify, vm86 and their like: each
// is kernel surface that a build does not need. Not all that fcntl and ioctl can be asked for
// (refused_requests.h).
#include "sandbox/seccomp/seccomp_policy.h"

namespace stagebox::sandbox {

const std::vector<std::string_view>& allowed_syscalls() {
  static const std::vector<std::string_view> kNames{
      // files and directories
      "access", "chdir", "chmod", "chown", "close", "close_range", "copy_file_range", "creat",
      "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fchdir",
      "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "fcntl", "fdatasync", "fgetxattr",
      "flistxattr", "flock", "fremovexattr", "fsetxattr", "fstat", "fstatfs", "fsync", "ftruncate",
      "futimesat", "getcwd", "getdents", "getdents64", "getxattr", "inotify_add_watch",
      "inotify_init", "inotify_init1", "inotify_rm_watch", "ioctl", "lchown", "lgetxattr", "link",
      "linkat", "listxattr", "llistxattr", "lremovexattr", "lseek", "lsetxattr", "lstat", "mkdir",
      "mkdirat", "mknod", "mknodat", "name_to_handle_at", "newfstatat", "open", "openat", "openat2",
      "pread64", "preadv", "preadv2", "pwrite64", "pwritev", "pwritev2", "read", "readahead",
      "readlink", "readlinkat", "readv", "removexattr", "rename", "renameat", "renameat2", "rmdir",
      "sendfile", "setxattr", "splice", "stat", "statfs", "statx", "symlink", "symlinkat", "sync",
      "sync_file_range", "syncfs", "tee", "truncate", "umask", "unlink", "unlinkat", "utime",
      "utimensat", "utimes", "setxattrat", "getxattrat", "listxattrat", "removexattrat", "vmsplice",
      "write", "writev", "ioprio_get", "ioprio_set", "cachestat",

      // memory
      "brk", "get_mempolicy", "madvise", "membarrier", "memfd_create", "memfd_secret", "mincore",
      "mlock", "mlock2", "mlockall", "mmap", "mprotect", "mremap", "msync", "munlock", "munlockall",
      "munmap", "pkey_alloc", "pkey_free", "pkey_mprotect", "process_madvise", "process_mrelease",
      "remap_file_pages", "map_shadow_stack", "mseal",
      // processes and threads
      "arch_prctl", "capget", "capset", "execve", "execveat", "exit", "exit_group", "fork",
      "get_robust_list", "get_thread_area", "getcpu", "getegid", "geteuid", "getgid", "getgroups",
      "getpgid", "getpgrp", "getpid", "getppid", "getpriority", "getresgid", "getresuid",
      "getrlimit", "getrusage", "getsid", "gettid", "getuid", "kill", "pidfd_getfd", "pidfd_open",
      "pidfd_send_signal", "prctl", "prlimit64", "ptrace", "process_vm_readv", "process_vm_writev",
      "restart_syscall", "rseq", "sched_get_priority_max", "sched_get_priority_min",
      "sched_getaffinity", "sched_getattr", "sched_getparam", "sched_getscheduler",
      "sched_rr_get_interval", "sched_setaffinity", "sched_setattr", "sched_setparam",
      "sched_setscheduler", "sched_yield", "seccomp", "set_robust_list", "set_thread_area",
      "set_tid_address", "setfsgid", "setfsuid", "setgid", "setgroups", "setpgid", "setpriority",
      "setregid", "setresgid", "setresuid", "setreuid", "setrlimit", "setsid", "setuid", "sysinfo",
      "tgkill", "times", "tkill", "uname", "vfork", "wait4", "waitid", "chroot",
      "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self",
      // signals, time, waiting
      "alarm", "clock_getres", "clock_gettime", "clock_nanosleep", "epoll_create", "epoll_create1",
      "epoll_ctl", "epoll_ctl_old", "epoll_pwait", "epoll_pwait2", "epoll_wait", "epoll_wait_old",
      "eventfd", "eventfd2", "futex", "futex_requeue", "futex_wait", "futex_waitv", "futex_wake",
      "getitimer", "gettimeofday", "nanosleep", "pause", "pipe", "pipe2", "poll", "ppoll",
      "pselect6", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigqueueinfo",
      "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait", "rt_tgsigqueueinfo", "select",
      "setitimer", "sigaltstack", "signalfd", "signalfd4", "time", "timer_create", "timer_delete",
      "timer_getoverrun", "timer_gettime", "timer_settime", "timerfd_create", "timerfd_gettime",
      "timerfd_settime",
      // sockets and System V IPC (both in namespaces of their own)
      "accept", "accept4", "bind", "connect", "getpeername", "getsockname", "getsockopt", "listen",
      "mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedsend", "mq_unlink",
      "msgctl", "msgget", "msgrcv", "msgsnd", "recvfrom", "recvmmsg", "recvmsg", "semctl", "semget",
      "semop", "semtimedop", "sendmmsg", "sendmsg", "sendto", "setsockopt", "shmat", "shmctl",
      "shmdt", "shmget", "shutdown", "getrandom"};
  return kNames;
}

}  // namespace stagebox::sandbox
