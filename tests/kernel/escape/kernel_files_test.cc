// The kernel's files: /proc, /sys and cgroupfs, which are doors and not only windows.
#include <linux/mount.h>

#include "tests/kernel/escape/escape_fixture.h"

namespace stagebox::testing {
namespace {

using KernelFilesTest = EscapeTest;

constexpr char kWritable[] =
    "write /proc/sys/kernel/core_pattern /proc/sys/kernel/modprobe /proc/sys/kernel/hostname "
    "/proc/sys/kernel/ns_last_pid /proc/sys/vm/overcommit_memory /proc/sys/fs/binfmt_misc/register "
    "/proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax /proc/self/oom_score_adj "
    "/proc/self/attr/current /proc/self/attr/exec /proc/self/uid_map /proc/self/gid_map "
    "/proc/self/setgroups /proc/self/timens_offsets /proc/self/mem /proc/self/clear_refs "
    "/proc/self/comm /proc/sysrq-trigger /proc/1/oom_score_adj /proc/acpi/wakeup "
    "/proc/irq/0/smp_affinity /proc/mtrr /proc/fs/nfsd/threads /sys/kernel/uevent_helper "
    "/sys/fs/cgroup/release_agent /sys/fs/cgroup/cgroup.procs";

TEST_F(KernelFilesTest, CannotBeWritten) { expect_all_refused(ATTACK(kWritable).output, 25); }

TEST_F(KernelFilesTest, CannotBeWrittenByTheMostCapable) {
  spec_.capabilities = every_capability();
  expect_all_refused(ATTACK(kWritable).output, 25);
}

// CVE-2022-0492, CVE-2023-25809.
TEST_F(KernelFilesTest, NoCgroupFileSystemAndNoNameOfOurGroup) {
  const auto result =
      run("grep -c cgroup /proc/self/mountinfo; grep -c sysfs /proc/self/mountinfo; "
          "cut -d: -f3 /proc/self/cgroup | sort -u; find / -name release_agent 2>/dev/null");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output, "0\n0\n/\n");
}

TEST_F(KernelFilesTest, TellingFilesAreMasked) {
  const auto result =
      run("for f in kcore keys key-users kmsg kallsyms timer_list sched_debug interrupts; do "
          "[ -e /proc/$f ] && cat /proc/$f | wc -c; done; ls -A /proc/bus /proc/irq /proc/acpi "
          "/proc/scsi 2>/dev/null | grep -v :");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output.find_first_not_of("0\n"), std::string::npos) << result->output;
}

// CVE-2025-31133 and kin: masks and devices come from the host, whatever the image ships.
TEST_F(KernelFilesTest, MasksAndDevicesAreNotTheImages) {
  for (const char* device : {"null", "zero", "full", "random", "urandom", "tty", "ptmx", "console"})
    replace_by_link(std::string("dev/") + device, canary() + "/secret");
  replace_by_link("dev/pts", canary());
  replace_by_link("dev/shm", canary());
  const auto result =
      run("for f in null zero full random urandom tty; do [ -c /dev/$f ] || echo /dev/$f; done; "
          "echo x >/dev/null; wc -c </dev/null; ls /dev/pts /dev/shm; "
          "touch /dev/shm/mine; find /dev -type b; find /dev -type c | sort | tr '\\n' ' '");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output,
            "0\n/dev/pts:\nptmx\n\n/dev/shm:\n/dev/full /dev/null /dev/pts/ptmx /dev/random "
            "/dev/tty /dev/urandom /dev/zero ");
}

// CVE-2025-52881: what the image has below /proc is covered before anything is written there.
TEST_F(KernelFilesTest, ProcOfTheImageIsNotUsed) {
  replace_by_link("proc/self", canary());
  replace_by_link("proc/sys", canary());
  replace_by_link("proc/1", canary());
  const auto result = run("cat /proc/self/status | head -n 1; ls /proc/sys/kernel/ostype");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output, "Name:\tcat\n/proc/sys/kernel/ostype\n");
}

// The same for a setting that the spec asks for: it is not written through the image's /proc.
TEST_F(KernelFilesTest, SettingsAreNotWrittenThroughTheImage) {
  const std::string up = "../../../../../../../../../../../..";
  for (const std::string& target : {canary(), up + canary()}) {
    replace_by_link("proc/sys", target);
    spec_.sysctls = {{"net.ipv4.ip_default_ttl", "99"}};
    const auto result = run("cat /proc/sys/net/ipv4/ip_default_ttl");
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->output, "99\n");
  }
}

// CVE-2022-0492, CVE-2023-25809, for a sandbox whose spec asks for cgroupfs and every capability.
TEST_F(KernelFilesTest, ACgroupFileSystemThatWasAskedForIsReadOnly) {
  spec_.mounts.push_back({sandbox::Mount::Type::kCgroup, "sys/fs/cgroup", MOUNT_ATTR_RDONLY});
  spec_.capabilities = every_capability();
  const auto result = attack(
      "write /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/cgroup.subtree_control "
      "/sys/fs/cgroup/release_agent");
  ASSERT_TRUE(result.ok()) << result.error().message;
  expect_all_refused(result->output, 3);
  const auto up =
      run("mkdir /sys/fs/cgroup/mine; ls -d /sys/fs/cgroup/../../../sys/fs/cgroup/.. ; "
          "cat /proc/self/cgroup | grep -c '\\.\\.'");
  ASSERT_TRUE(up.ok()) << up.error().message;
  EXPECT_NE(up->output.find("Read-only"), std::string::npos) << up->output;
  EXPECT_TRUE(up->output.ends_with("\n0\n")) << up->output;
}

}  // namespace
}  // namespace stagebox::testing
