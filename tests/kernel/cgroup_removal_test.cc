// Killing what is in a cgroup where the kernel has no cgroup.kill (v1, and v2 before 5.14): member
// by member, against a sandbox that forks as fast as it can and ignores what can be ignored.
#include "sandbox/cgroup/cgroup_removal.h"

#include <poll.h>

#include <filesystem>

#include "sandbox/cgroup/cgroup_files.h"
#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {
namespace {

class CgroupRemovalTest : public SandboxTest {};

TEST_F(CgroupRemovalTest, MemberByMemberAgainstAForkRace) {
  if (cgroups().directories().empty()) GTEST_SKIP() << "no cgroups here";
  spec_.limits.pids = 48;
  std::size_t tried = 0;
  for (const std::string& parent : cgroups().directories()) {
    // Made where something is limited or counted.
    auto held = hold(
        "trap '' TERM HUP INT; f() { while :; do (setsid sh -c 'trap \"\" TERM; sleep 1000' &); "
        "done; }; f 2>/dev/null & f 2>/dev/null & echo; f 2>/dev/null",
        Until::kRunning);
    ASSERT_TRUE(held.ok()) << held.error().message;
    struct pollfd said{held->output.get(), POLLIN, 0};
    ASSERT_EQ(::poll(&said, 1, -1), 1);
    const std::string dir = parent + "/" + cgroup_name();
    if (!std::filesystem::exists(dir)) {
      ASSERT_TRUE(held->sandbox.destroy(sandbox::Sandbox::Removal::kByForce).ok());
      ASSERT_TRUE(held->scratch.destroy().ok());
      continue;
    }
    ASSERT_FALSE(sandbox::read_or_empty(dir + "/cgroup.procs").empty()) << dir;
    const auto killed = sandbox::kill_members(dir, sandbox::KillMethod::kSignalEach);
    ASSERT_TRUE(killed.ok()) << killed.error().message;
    EXPECT_EQ(sandbox::read_or_empty(dir + "/cgroup.procs"), "");
    struct pollfd dead{held->sandbox.pidfd(), POLLIN, 0};
    ASSERT_EQ(::poll(&dead, 1, -1), 1);
    ASSERT_TRUE(held->sandbox.destroy().ok());
    ASSERT_TRUE(held->scratch.destroy().ok());
    ++tried;
  }
  EXPECT_GE(tried, 1U);
}

}  // namespace
}  // namespace stagebox::testing
