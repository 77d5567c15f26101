#include "sandbox/seccomp_policy.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace stagebox::sandbox {
namespace {

TEST(SeccompPolicy, CompilesToALoadableSize) {
  const auto program = compile_default_policy();
  ASSERT_TRUE(program.ok()) << program.error().message;
  EXPECT_GT((*program)->instructions.size(), 100U);
  EXPECT_LE((*program)->instructions.size(), 4096U);
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
                           "ioctl",
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

}  // namespace
}  // namespace stagebox::sandbox
