// A spec's own path for its cgroup: where it lies, that it is nobody else's, and that nothing of it
// is left.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>

#include "sandbox/cgroup/cgroup_removal.h"
#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {
namespace {

using sandbox::HostIds;
using sandbox::Sharing;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CgroupPathTest : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    if (cgroups().places().empty()) GTEST_SKIP() << "no writable cgroup";
    // Or the kernel shows what is joined as "/".
    spec_.namespaces.cgroup = Sharing::kWithHost;
  }
  /// What is there in all hierarchies below Stagebox's own directories, of this name.
  static std::vector<std::string> found(const std::string& name) {
    std::vector<std::string> there;
    for (const std::string& dir : cgroups().directories()) {
      if (std::filesystem::exists(dir + "/" + name)) there.push_back(dir + "/" + name);
    }
    return there;
  }
  std::string seen_inside() {
    const auto result = run("cat /proc/self/cgroup");
    return result.ok() ? result->output : result.error().message;
  }
};

TEST_F(CgroupPathTest, LiesWhereThePathSays) {
  // Names as other engines give them, with the separators that are systemd's in them.
  spec_.cgroup = "machine.slice:libpod/build-17";
  EXPECT_THAT(seen_inside(), HasSubstr("/machine.slice:libpod/build-17\n"));
  EXPECT_THAT(found("machine.slice:libpod"), IsEmpty());
}

TEST_F(CgroupPathTest, WhatSandboxesShareGoesWithTheLastOne) {
  spec_.cgroup = "team/one";
  scratch_name_ = "one";
  auto one = HOLD("sleep 1000", Until::kRunning);
  spec_.cgroup = "team/other";
  scratch_name_ = "other";
  auto other = HOLD("sleep 1000", Until::kRunning);
  constexpr auto kByForce = sandbox::Sandbox::Removal::kByForce;
  ASSERT_TRUE(one.sandbox.destroy(kByForce).ok() && one.scratch.destroy().ok());
  EXPECT_THAT(found("team/one"), IsEmpty());
  EXPECT_FALSE(found("team/other").empty());
  ASSERT_TRUE(other.sandbox.destroy(kByForce).ok() && other.scratch.destroy().ok());
  EXPECT_THAT(found("team"), IsEmpty());
}

TEST_F(CgroupPathTest, ItsLimitsHoldThere) {
  if (!cgroups().has(sandbox::Controller::kPids)) GTEST_SKIP() << "no pids controller";
  spec_.cgroup = "team/deep/er/one";
  spec_.limits.pids = 20;
  const auto bomb = run("for i in $(seq 100); do sleep 5 & done; wait");
  ASSERT_TRUE(bomb.ok()) << bomb.error().message;
  EXPECT_THAT(bomb->output, HasSubstr("Resource temporarily unavailable"));
  EXPECT_THAT(found("team"), IsEmpty());
}

TEST_F(CgroupPathTest, OneThatIsThereIsSomebodyElses) {
  spec_.cgroup = "team/one";
  auto first = HOLD("sleep 1000", Until::kRunning);
  scratch_name_ = "second";
  const auto second = run("true");
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, HasSubstr("create the cgroup"));
  EXPECT_FALSE(found("team/one").empty());
  EXPECT_EQ(first.sandbox.state(), sandbox::Sandbox::State::kRunning);
}

// As recovery removes what a dead process has left, however deep it lies.
TEST_F(CgroupPathTest, IsFoundAndRemovedFromAbove) {
  spec_.cgroup = "team/deep/one";
  auto held = HOLD("sleep 1000", Until::kRunning);
  for (const std::string& dir : found("team")) {
    const auto removed = sandbox::remove_cgroup_tree(dir);
    EXPECT_TRUE(removed.ok()) << removed.error().message;
  }
  EXPECT_THAT(found("team"), IsEmpty());
  ASSERT_TRUE(held.sandbox.destroy(sandbox::Sandbox::Removal::kByForce).ok());
  ASSERT_TRUE(held.scratch.destroy().ok());
}

TEST_F(CgroupPathTest, FromTheMountPointIsForWhoMayMakeItThere) {
  const std::string name = "stagebox-test-path-" + std::to_string(::getpid());
  spec_.cgroup = "/" + name + "/one";
  const auto result = run("cat /proc/self/cgroup");
  if (host_ids_kind() != HostIds::Kind::kRoot) {
    ASSERT_FALSE(result.ok());
    EXPECT_THAT(result.error().message, HasSubstr("below the mount point"));
    return;
  }
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_THAT(result->output, HasSubstr(":/" + name + "/one\n"));
  const auto path = sandbox::parse_cgroup_path(spec_.cgroup);
  ASSERT_TRUE(path.ok());
  const auto dirs = cgroups().directories_of(*path);
  EXPECT_EQ(dirs.size(), cgroups().places().size());
  for (const std::string& dir : dirs)
    EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(dir).parent_path())) << dir;
}

// Nobody's directory is removed because a sandbox lay in it.
TEST_F(CgroupPathTest, WhatWasThereBeforeStays) {
  const sandbox::CgroupPlace& place = cgroups().places().front();
  if (host_ids_kind() != HostIds::Kind::kRoot) GTEST_SKIP() << "needs a directory of the host's";
  const std::string name = "stagebox-test-before-" + std::to_string(::getpid());
  const std::string dir = place.mount_point + "/" + name;
  ASSERT_EQ(::mkdir(dir.c_str(), 0755), 0);
  spec_.cgroup = "/" + name + "/one";
  const auto result = run("true");
  EXPECT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(::rmdir(dir.c_str()), 0) << "it was removed, or something was left in it";
}

}  // namespace
}  // namespace stagebox::testing
