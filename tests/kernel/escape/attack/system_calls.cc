// Kernel surface that a build does not need: each call must be refused by the filter. The arguments
// are chosen so that without it the kernel would do it or complain about something else than
// missing permission.
#include <fcntl.h>
#include <linux/keyctl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/personality.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "tests/kernel/escape/attack/attack.h"

namespace attack {
namespace {

struct Call {
  const char* name;
  long number;
  long arguments[6];
};

constexpr long kBadPointer = 1;
constexpr int kAlg = 38;
constexpr int kVsock = 40;
constexpr int kDccp = 6;  // SOCK_DCCP, and a protocol of 0 means its own.
constexpr int kSmc = 256;
constexpr long kMountAttr = 32;
constexpr long kHigh = 1L << 32;  // Bits that the kernel does not look at in an int.

// The same numbers on every architecture since 5.1; libc's headers may be older.
constexpr long kOpenTree = 428;
constexpr long kMoveMount = 429;
constexpr long kFsopen = 430;
constexpr long kFsconfig = 431;
constexpr long kFsmount = 432;
constexpr long kFspick = 433;
constexpr long kClone3 = 435;
constexpr long kMountSetattr = 442;
constexpr long kQuotactlFd = 443;
constexpr long kStatmount = 457;
constexpr long kListmount = 458;
constexpr long kOpenTreeAttr = 467;

constexpr Call kCalls[] = {
    {"mount", SYS_mount, {kBadPointer, kBadPointer, 0, 0, 0}},
    {"umount2", SYS_umount2, {kBadPointer, 0}},
    {"pivot_root", SYS_pivot_root, {kBadPointer, kBadPointer}},
    {"open_tree", kOpenTree, {AT_FDCWD, kBadPointer, 0}},
    {"move_mount", kMoveMount, {-1, kBadPointer, -1, kBadPointer, 0}},
    {"fsopen", kFsopen, {kBadPointer, 0}},
    {"fsconfig", kFsconfig, {-1, 0, 0, 0, 0}},
    {"fsmount", kFsmount, {-1, 0, 0}},
    {"fspick", kFspick, {AT_FDCWD, kBadPointer, 0}},
    {"mount_setattr", kMountSetattr, {AT_FDCWD, kBadPointer, 0, kBadPointer, kMountAttr}},
    {"open_tree_attr", kOpenTreeAttr, {AT_FDCWD, kBadPointer, 0, 0, 0}},
    {"statmount", kStatmount, {kBadPointer, kBadPointer, 0, 0}},
    {"listmount", kListmount, {kBadPointer, kBadPointer, 0, 0}},
    {"open_by_handle_at", SYS_open_by_handle_at, {AT_FDCWD, kBadPointer, O_RDONLY}},
    {"unshare(user)", SYS_unshare, {CLONE_NEWUSER}},
    {"unshare(mount)", SYS_unshare, {CLONE_NEWNS}},
    {"unshare(net)", SYS_unshare, {CLONE_NEWNET}},
    {"unshare(nothing)", SYS_unshare, {0}},
    {"setns", SYS_setns, {0, 0}},
    {"clone(user)", SYS_clone, {CLONE_NEWUSER | SIGCHLD}},
    {"clone(mount)", SYS_clone, {CLONE_NEWNS | SIGCHLD}},
    {"clone(pid)", SYS_clone, {CLONE_NEWPID | SIGCHLD}},
    {"clone(user, high bits)", SYS_clone, {kHigh | CLONE_NEWUSER | SIGCHLD}},
    {"clone3", kClone3, {kBadPointer, 64}},
    {"socket(AF_ALG)", SYS_socket, {kAlg, SOCK_SEQPACKET, 0}},
    {"socket(AF_ALG, high bits)", SYS_socket, {kHigh | kAlg, SOCK_SEQPACKET, 0}},
    {"socket(AF_VSOCK)", SYS_socket, {kVsock, SOCK_STREAM, 0}},
    {"socket(AF_PACKET)", SYS_socket, {AF_PACKET, SOCK_RAW, 0}},
    {"socket(AF_KEY)", SYS_socket, {AF_KEY, SOCK_RAW, 2}},
    {"socket(AF_CAN)", SYS_socket, {AF_CAN, SOCK_RAW, 1}},
    {"socket(AF_TIPC)", SYS_socket, {AF_TIPC, SOCK_RDM, 0}},
    {"socket(AF_XDP)", SYS_socket, {AF_XDP, SOCK_RAW, 0}},
    {"socket(AF_NETLINK, netfilter)", SYS_socket, {AF_NETLINK, SOCK_RAW, 12}},
    {"socket(AF_NETLINK, audit)", SYS_socket, {AF_NETLINK, SOCK_RAW, 9}},
    {"socketpair(AF_ALG)", SYS_socketpair, {kAlg, SOCK_SEQPACKET, 0, kBadPointer}},
    {"socketpair(AF_TIPC)", SYS_socketpair, {AF_TIPC, SOCK_SEQPACKET, 0, kBadPointer}},
    {"socketpair(AF_TIPC, high bits)",
     SYS_socketpair,
     {kHigh | AF_TIPC, SOCK_SEQPACKET, 0, kBadPointer}},
    {"socket(SCTP)", SYS_socket, {AF_INET, SOCK_STREAM, IPPROTO_SCTP}},
    {"socket(SCTP by its type)", SYS_socket, {AF_INET6, SOCK_SEQPACKET, 0}},
    {"socket(SCTP, high bits)", SYS_socket, {AF_INET, SOCK_STREAM, kHigh | IPPROTO_SCTP}},
    {"socket(DCCP)", SYS_socket, {AF_INET, kDccp | SOCK_CLOEXEC, 0}},
    {"socket(SMC)", SYS_socket, {AF_INET, SOCK_STREAM, kSmc}},
    {"socket(UDP-Lite)", SYS_socket, {AF_INET, SOCK_DGRAM, IPPROTO_UDPLITE}},
    {"io_uring_setup", SYS_io_uring_setup, {1, kBadPointer}},
    {"io_uring_enter", SYS_io_uring_enter, {-1, 0, 0, 0, 0, 0}},
    {"io_uring_register", SYS_io_uring_register, {-1, 0, 0, 0}},
    {"keyctl", SYS_keyctl, {KEYCTL_GET_KEYRING_ID, KEY_SPEC_SESSION_KEYRING, 0}},
    {"add_key", SYS_add_key, {kBadPointer, kBadPointer, 0, 0, KEY_SPEC_SESSION_KEYRING}},
    {"request_key", SYS_request_key, {kBadPointer, kBadPointer, 0, 0}},
    {"bpf", SYS_bpf, {0, kBadPointer, 16}},
    {"perf_event_open", SYS_perf_event_open, {kBadPointer, 0, -1, -1, 0}},
    {"userfaultfd", SYS_userfaultfd, {1}},
    {"kcmp", SYS_kcmp, {0, 0, 0, 0, 0}},
    {"lookup_dcookie", SYS_lookup_dcookie, {0, kBadPointer, 1}},
    {"quotactl", SYS_quotactl, {0, kBadPointer, 0, 0}},
    {"quotactl_fd", kQuotactlFd, {-1, 0, 0, 0}},
    {"fanotify_init", SYS_fanotify_init, {0x200, 0}},
    {"init_module", SYS_init_module, {kBadPointer, 0, kBadPointer}},
    {"finit_module", SYS_finit_module, {-1, kBadPointer, 0}},
    {"delete_module", SYS_delete_module, {kBadPointer, 0}},
    {"kexec_load", SYS_kexec_load, {0, 0, 0, 0}},
    {"reboot", SYS_reboot, {0, 0, 0, 0}},
    {"syslog", SYS_syslog, {10, 0, 0}},
    {"acct", SYS_acct, {kBadPointer}},
    {"swapon", SYS_swapon, {kBadPointer, 0}},
    {"settimeofday", SYS_settimeofday, {0, kBadPointer}},
    {"clock_settime", SYS_clock_settime, {0, kBadPointer}},
    {"clock_adjtime", SYS_clock_adjtime, {0, kBadPointer}},
    {"adjtimex", SYS_adjtimex, {kBadPointer}},
    {"vhangup", SYS_vhangup, {}},
    {"move_pages", SYS_move_pages, {0, 1, kBadPointer, kBadPointer, kBadPointer, 0}},
    {"migrate_pages", SYS_migrate_pages, {0, 1, kBadPointer, kBadPointer}},
    {"personality(READ_IMPLIES_EXEC)", SYS_personality, {READ_IMPLIES_EXEC}},
#if defined(__x86_64__)
    {"iopl", SYS_iopl, {0}},
    {"ioperm", SYS_ioperm, {0, 0, 0}},
    {"modify_ldt", SYS_modify_ldt, {0, kBadPointer, 0}},
#endif
};

}  // namespace

// Without an argument the filter's default answer is EPERM, with one it is EDOTDOT, which no call
// of these gives by itself.
int system_calls(int count, char** /*arguments*/) {
  const int by_default = count > 0 ? EDOTDOT : EPERM;
  for (const Call& call : kCalls) {
    const long* a = call.arguments;
    const long result = ::syscall(call.number, a[0], a[1], a[2], a[3], a[4], a[5]);
    // A clone that worked is in two processes now.
    if (result == 0 && call.number == SYS_clone) ::_exit(0);
    const bool by_filter = errno == by_default || errno == ENOSYS;
    tell(call.name, result < 0 && by_filter ? -1 : 0);
  }
  return 0;
}

}  // namespace attack
