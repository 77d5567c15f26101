#include "sandbox/seccomp/seccomp_policy.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/sched.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "sandbox/seccomp/filter_answer.h"

namespace stagebox::sandbox {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kNativeArchitecture = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t kNativeArchitecture = AUDIT_ARCH_AARCH64;
#endif

/// Arguments that are not told are zero.
struct Call {
  int number = 0;
  std::array<std::uint64_t, 6> arguments = {};
};

std::uint32_t answer(const std::vector<sock_filter>& program, const Call& call) {
  struct seccomp_data data{};
  data.nr = call.number;
  data.arch = kNativeArchitecture;
  for (std::size_t i = 0; i < call.arguments.size(); ++i) data.args[i] = call.arguments[i];
  const auto found = filter_answer(program, data);
  EXPECT_TRUE(found.has_value()) << syscall_name(call.number);
  return found.value_or(SECCOMP_RET_ALLOW);
}

constexpr std::uint32_t refused_with(std::uint32_t error) { return SECCOMP_RET_ERRNO | error; }
constexpr std::uint32_t reported_with(std::uint32_t error) {
  return SECCOMP_RET_USER_NOTIF | error;
}

std::vector<sock_filter> compiled(const SeccompRules& rules,
                                  DeniedCalls denied = DeniedCalls::kAnswered) {
  const auto program = compile_seccomp(rules, denied);
  EXPECT_TRUE(program.ok()) << (program.ok() ? "" : program.error().message);
  return program.ok() ? (*program)->instructions : std::vector<sock_filter>();
}

// Numbers of calls that are newer than libseccomp 2.5.
constexpr int kCachestat = 451;
constexpr int kFchmodat2 = 452;
constexpr int kStatmount = 457;
constexpr int kListmount = 458;
constexpr int kMseal = 462;
constexpr int kOpenTreeAttr = 467;
constexpr int kFileSetattr = 469;

TEST(SeccompPolicy, CompilesToALoadableSize) {
  const auto program = compile_default_policy();
  ASSERT_TRUE(program.ok()) << program.error().message;
  EXPECT_GT((*program)->instructions.size(), 100U);
  EXPECT_LE((*program)->instructions.size(), 4096U);
}

// Whatever the rules say, and whatever is in the half of a request that the kernel does not look
// at.
TEST(SeccompPolicy, SomeRequestsAreRefusedByEveryFilter) {
  SeccompRules everything;
  everything.default_action = SeccompAction::kAllow;
  constexpr std::uint64_t kHighHalf = 0xffffffff00000000;
  for (const auto& rules : {default_seccomp_rules(), everything}) {
    const auto program = compiled(rules);
    for (const std::uint64_t high : {std::uint64_t{0}, std::uint64_t{1} << 32, kHighHalf}) {
      for (const std::uint32_t request : {1024U, 1026U})  // F_SETLEASE, F_NOTIFY
        EXPECT_EQ(answer(program, {SYS_fcntl, {3, request | high}}), refused_with(EPERM));
      for (const std::uint32_t request : std::initializer_list<std::uint32_t>{
               TIOCSTI, TIOCLINUX, TIOCSETD, SIOCGIFBR, SIOCSIFBR, SIOCGIFVLAN, SIOCSIFVLAN})
        EXPECT_EQ(answer(program, {SYS_ioctl, {0, request | high}}), refused_with(EPERM));
      EXPECT_EQ(answer(program, {SYS_prlimit64, {1 | high, 0}}), refused_with(EPERM));
    }
    for (const std::uint64_t pid : {0U, 2U, 10U, 4096U})
      EXPECT_EQ(answer(program, {SYS_prlimit64, {pid, 1}}), SECCOMP_RET_ALLOW) << pid;
    for (const std::uint32_t request : {1025U, 6U, 1030U, 1033U})
      EXPECT_EQ(answer(program, {SYS_fcntl, {3, request}}), SECCOMP_RET_ALLOW) << request;
    for (const std::uint32_t request :
         std::initializer_list<std::uint32_t>{TCGETS, TIOCGWINSZ, FIONREAD, TIOCGETD, SIOCGIFCONF})
      EXPECT_EQ(answer(program, {SYS_ioctl, {0, request}}), SECCOMP_RET_ALLOW) << request;
    // The others' numbers in the first argument are no requests.
    EXPECT_EQ(answer(program, {SYS_read, {TIOCSTI, TIOCSTI}}), SECCOMP_RET_ALLOW);
  }
}

TEST(SeccompPolicy, LeavesOutWhatABuildDoesNotNeed) {
  const auto& names = allowed_syscalls();
  for (const char* name : {"mount",
                           "umount2",
                           "pivot_root",
                           "move_mount",
                           "fsopen",
                           "open_tree",
                           "mount_setattr",
                           "unshare",
                           "setns",
                           "clone",
                           "clone3",
                           "socket",
                           "socketpair",
                           "bpf",
                           "perf_event_open",
                           "userfaultfd",
                           "keyctl",
                           "add_key",
                           "request_key",
                           "io_uring_setup",
                           "open_by_handle_at",
                           "init_module",
                           "kexec_load",
                           "reboot",
                           "swapon",
                           "settimeofday",
                           "syslog",
                           "personality",
                           "quotactl",
                           "acct",
                           "iopl",
                           "lookup_dcookie",
                           "kcmp",
                           "vhangup",
                           "fanotify_init"}) {
    EXPECT_EQ(std::count(names.begin(), names.end(), name), 0) << name;
  }
}

TEST(SeccompPolicy, NamesEachCallOnce) {
  auto names = allowed_syscalls();
  std::ranges::sort(names);
  EXPECT_EQ(std::ranges::adjacent_find(names), names.end());
}

// The kernel refuses most of these to anybody without capabilities, and with EPERM too: that the
// filter does is only seen in its program.
TEST(SeccompPolicy, TheDefaultProgramItselfRefuses) {
  const auto program = compiled(default_seccomp_rules());
  for (const int number : {
           SYS_mount,
           SYS_umount2,
           SYS_pivot_root,
           SYS_open_tree,
           SYS_move_mount,
           SYS_fsopen,
           SYS_fsconfig,
           SYS_fsmount,
           SYS_fspick,
           SYS_mount_setattr,
           SYS_unshare,
           SYS_setns,
           SYS_keyctl,
           SYS_add_key,
           SYS_request_key,
           SYS_bpf,
           SYS_init_module,
           SYS_finit_module,
           SYS_delete_module,
           SYS_kexec_load,
           SYS_reboot,
           SYS_syslog,
           SYS_acct,
           SYS_swapon,
           SYS_swapoff,
           SYS_settimeofday,
           SYS_clock_settime,
           SYS_clock_adjtime,
           SYS_adjtimex,
           SYS_quotactl,
           SYS_vhangup,
           SYS_perf_event_open,
           SYS_userfaultfd,
           SYS_kcmp,
           SYS_lookup_dcookie,
           SYS_fanotify_init,
           SYS_move_pages,
           SYS_migrate_pages,
           SYS_open_by_handle_at,
           SYS_sethostname,
           SYS_setdomainname,
           SYS_kexec_file_load,
#if defined(__x86_64__)
           SYS_iopl,
           SYS_ioperm,
           SYS_modify_ldt,
#endif
       }) {
    EXPECT_EQ(answer(program, {number}), refused_with(EPERM)) << syscall_name(number);
  }
  for (const int number : {SYS_clone3, SYS_io_uring_setup, SYS_io_uring_enter,
                           SYS_io_uring_register, kStatmount, kListmount, kOpenTreeAttr, 999}) {
    EXPECT_EQ(answer(program, {number}), refused_with(ENOSYS)) << syscall_name(number);
  }
  EXPECT_EQ(answer(program, {SYS_clone, {CLONE_NEWUSER}}), refused_with(EPERM));
  EXPECT_EQ(answer(program, {SYS_socket, {38, 5, 0}}), refused_with(EPERM));
}

TEST(SeccompPolicy, TheDefaultProgramAllowsWhatItsListNames) {
  const auto program = compiled(default_seccomp_rules());
  for (const int number : {SYS_read, SYS_openat, SYS_execve, SYS_futex, SYS_seccomp, kMseal})
    EXPECT_EQ(answer(program, {number}), SECCOMP_RET_ALLOW) << syscall_name(number);
  EXPECT_EQ(answer(program, {SYS_clone, {0x11}}), SECCOMP_RET_ALLOW);
}

TEST(SeccompPolicy, DeniesCallsThatLibseccompDoesNotKnow) {
  SeccompRules rules;
  rules.default_action = SeccompAction::kAllow;
  rules.rules.push_back(
      {{"listmount", "statmount", "cachestat", "mseal", "fchmodat2", "file_setattr", "uname"},
       SeccompAction::kError,
       EACCES,
       {}});
  const auto program = compiled(rules);
  for (const int number :
       {kListmount, kStatmount, kCachestat, kMseal, kFchmodat2, kFileSetattr, SYS_uname})
    EXPECT_EQ(answer(program, {number}), refused_with(EACCES)) << syscall_name(number);
  EXPECT_EQ(answer(program, {SYS_read}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(program, {kOpenTreeAttr}), SECCOMP_RET_ALLOW);
#if defined(__x86_64__)
  constexpr int kUretprobe = 335;
  EXPECT_EQ(answer(program, {kUretprobe}), SECCOMP_RET_ALLOW);
  rules.rules.front().names = {"uretprobe"};
  EXPECT_EQ(answer(compiled(rules), {kUretprobe}), refused_with(EACCES));
#endif
}

TEST(SeccompPolicy, AllowsCallsThatLibseccompDoesNotKnow) {
  SeccompRules rules;
  rules.default_error = EACCES;
  rules.rules.push_back({{"read", "listmount", "mseal"}, SeccompAction::kAllow, 0, {}});
  rules.rules.push_back({{"statmount"}, SeccompAction::kKillProcess, 0, {}});
  rules.rules.push_back({{"open_tree_attr"}, SeccompAction::kError, EACCES, {}});
  const auto program = compiled(rules);
  EXPECT_EQ(answer(program, {kListmount}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(program, {kMseal}), SECCOMP_RET_ALLOW);
  EXPECT_EQ(answer(program, {kStatmount}), std::uint32_t{SECCOMP_RET_KILL_PROCESS});
  EXPECT_EQ(answer(program, {kOpenTreeAttr}), refused_with(EACCES));
  EXPECT_EQ(answer(program, {kFileSetattr}), refused_with(ENOSYS)) << "nobody named it";
  EXPECT_EQ(answer(program, {SYS_uname}), refused_with(EACCES));
}

TEST(SeccompPolicy, RefusesToDenyWhatNobodyKnows) {
  SeccompRules rules;
  rules.rules.push_back({{"uname", "frobnicate"}, SeccompAction::kError, EACCES, {}});
  for (const SeccompAction by_default : {SeccompAction::kAllow, SeccompAction::kLog}) {
    rules.default_action = by_default;
    for (const SeccompAction action : {SeccompAction::kError, SeccompAction::kTrap,
                                       SeccompAction::kKillThread, SeccompAction::kKillProcess}) {
      rules.rules.front().action = action;
      const auto program = compile_seccomp(rules, DeniedCalls::kAnswered);
      ASSERT_FALSE(program.ok());
      EXPECT_EQ(program.error().kind, base::ErrorKind::kInvalid);
      EXPECT_NE(program.error().message.find("\"frobnicate\""), std::string::npos)
          << program.error().message;
    }
  }
  rules.default_action = SeccompAction::kError;
  EXPECT_TRUE(compile_seccomp(rules, DeniedCalls::kAnswered).ok()) << "the default denies it";
}

// Profiles for all machines name the calls of all of them.
TEST(SeccompPolicy, TakesNamesOfOtherArchitectures) {
  SeccompRules rules;
  rules.default_action = SeccompAction::kAllow;
  rules.rules.push_back({{"riscv_flush_icache", "s390_pci_mmio_read", "breakpoint", "uname"},
                         SeccompAction::kError,
                         EACCES,
                         {}});
  EXPECT_EQ(answer(compiled(rules), {SYS_uname}), refused_with(EACCES));
}

// Each errno of the profile, by whatever rule, and not those that end the process.
TEST(SeccompPolicy, ReportsEveryErrorAndKeepsIt) {
  const auto by_default = compiled(default_seccomp_rules(), DeniedCalls::kReported);
  EXPECT_EQ(answer(by_default, {SYS_mount}), reported_with(EPERM));
  EXPECT_EQ(answer(by_default, {SYS_clone3}), reported_with(ENOSYS));
  EXPECT_EQ(answer(by_default, {999}), reported_with(ENOSYS));
  EXPECT_EQ(answer(by_default, {SYS_read}), SECCOMP_RET_ALLOW);

  SeccompRules rules;
  rules.default_action = SeccompAction::kAllow;
  rules.rules.push_back({{"uname"}, SeccompAction::kError, EACCES, {}});
  rules.rules.push_back({{"acct"}, SeccompAction::kKillProcess, 0, {}});
  rules.rules.push_back({{"sync"}, SeccompAction::kLog, 0, {}});
  const auto deny_list = compiled(rules, DeniedCalls::kReported);
  EXPECT_EQ(answer(deny_list, {SYS_uname}), reported_with(EACCES));
  EXPECT_EQ(answer(deny_list, {SYS_acct}), std::uint32_t{SECCOMP_RET_KILL_PROCESS});
  EXPECT_EQ(answer(deny_list, {SYS_sync}), std::uint32_t{SECCOMP_RET_LOG});

  rules.default_action = SeccompAction::kKillProcess;
  rules.rules = {{{"sendmsg"}, SeccompAction::kAllow, 0, {}}};
  EXPECT_EQ(answer(compiled(rules, DeniedCalls::kReported), {SYS_uname}),
            std::uint32_t{SECCOMP_RET_KILL_PROCESS})
      << "a report does not let it live";
}

// The listener is sent from under the filter.
TEST(SeccompPolicy, ReportsOnlyWhereTheListenerCanBeSent) {
  SeccompRules rules;
  rules.rules.push_back({{"read"}, SeccompAction::kAllow, 0, {}});
  EXPECT_FALSE(compile_seccomp(rules, DeniedCalls::kReported).ok());
  rules.default_action = SeccompAction::kAllow;
  EXPECT_TRUE(compile_seccomp(rules, DeniedCalls::kReported).ok());
  rules.rules.push_back({{"sendmsg"}, SeccompAction::kError, EPERM, {}});
  EXPECT_FALSE(compile_seccomp(rules, DeniedCalls::kReported).ok());
}

TEST(SeccompPolicy, NamesNewerCalls) {
  EXPECT_EQ(syscall_name(kListmount), "listmount");
  EXPECT_EQ(syscall_name(kMseal), "mseal");
  EXPECT_EQ(syscall_name(SYS_mount), "mount");
  EXPECT_EQ(syscall_name(999), "number 999");
}

}  // namespace
}  // namespace stagebox::sandbox
