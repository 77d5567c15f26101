// Where the cgroups of a process lie, and that none is left.
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "sandbox/cgroup/cgroup_files.h"
#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {
namespace {

using sandbox::CgroupCount;
using sandbox::CgroupTree;
using ::testing::Contains;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class CgroupTreeTest : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    if (cgroups().places().empty()) GTEST_SKIP() << "no writable cgroup";
  }
  static CgroupTree tree_for(CgroupCount count) {
    return CgroupTree::discover("stagebox-test-tree-" + std::to_string(::getpid()), count).value();
  }
  /// The cgroups that are there now of those that the tree can make; without our own leaf.
  static std::vector<std::string> made_in(const CgroupTree& tree) {
    std::vector<std::string> made;
    for (const std::string& dir : tree.directories()) {
      if (!std::filesystem::exists(dir)) continue;
      made.push_back(dir);
      for (const auto& entry : std::filesystem::directory_iterator(dir)) {
        const bool is_ours = entry.path().filename() == "supervisor";
        if (entry.is_directory() && !is_ours) made.push_back(entry.path());
      }
    }
    return made;
  }
  /// In v1 only where the cgroup above would not tell us that its memory ran out.
  static bool needs_two_levels(const CgroupTree& tree, const std::string& dir) {
    const auto* memory = tree.place_of(sandbox::Controller::kMemory);
    return memory != nullptr && dir.starts_with(memory->dir + "/") &&
           !sandbox::is_accessible(memory->dir + "/cgroup.event_control", W_OK);
  }
};

TEST_F(CgroupTreeTest, ManyLieBelowADirectoryOfTheProcess) {
  CgroupTree tree = tree_for(CgroupCount::kMany);
  auto one = tree.make("one", {}, -1);
  auto other = tree.make("other", {}, -1);
  ASSERT_TRUE(one.ok() && other.ok());
  EXPECT_THAT(made_in(tree), Contains(EndsWith("/one")));
  EXPECT_THAT(made_in(tree), Contains(EndsWith("/other")));
  EXPECT_TRUE(one->destroy().ok() && other->destroy().ok());
  EXPECT_THAT(made_in(tree), Not(IsEmpty()));
  EXPECT_TRUE(tree.destroy().ok());
  EXPECT_THAT(made_in(tree), IsEmpty());
}

TEST_F(CgroupTreeTest, ASingleOneIsTheDirectoryOfTheProcess) {
  CgroupTree tree = tree_for(CgroupCount::kOne);
  for (int round = 0; round < 2; ++round) {
    auto cgroup = tree.make("one", {}, -1);
    ASSERT_TRUE(cgroup.ok()) << cgroup.error().message;
    const auto made = made_in(tree);
    EXPECT_THAT(made, Not(IsEmpty()));
    // In v2 we may have had to go into a leaf, and then it lies beside that.
    const bool is_v1 = tree.places()[0].version == sandbox::CgroupPlace::Version::kV1;
    for (const std::string& dir : made) {
      if (is_v1 && dir.ends_with("/one")) {
        EXPECT_TRUE(needs_two_levels(tree, dir)) << dir;
      }
    }
    EXPECT_TRUE(cgroup->destroy().ok());
  }
  EXPECT_TRUE(tree.destroy().ok());
  EXPECT_THAT(made_in(tree), IsEmpty());
}

TEST_F(CgroupTreeTest, ASecondOneIsRefusedAndTheFirstStays) {
  CgroupTree tree = tree_for(CgroupCount::kOne);
  auto first = tree.make("one", {}, -1);
  ASSERT_TRUE(first.ok()) << first.error().message;
  const auto made = made_in(tree);
  const auto second = tree.make("one", {}, -1);
  ASSERT_FALSE(second.ok());
  EXPECT_THAT(second.error().message, HasSubstr("create the cgroup"));
  EXPECT_EQ(made_in(tree), made);
  EXPECT_TRUE(first->destroy().ok());
  EXPECT_TRUE(tree.destroy().ok());
}

// One that could not be removed by itself, because something was in it still.
TEST_F(CgroupTreeTest, WhatIsLeftGoesWithTheTree) {
  CgroupTree tree = tree_for(CgroupCount::kOne);
  ASSERT_TRUE(tree.make("one", {}, -1).ok());  // and is destroyed
  for (const std::string& dir : tree.directories()) (void)::mkdir(dir.c_str(), 0755);
  EXPECT_THAT(made_in(tree), Not(IsEmpty()));
  EXPECT_TRUE(tree.destroy().ok());
  for (const auto& place : tree.places()) {
    const bool counts = (place.version == sandbox::CgroupPlace::Version::kV2 &&
                         std::ranges::any_of(place.controllers, sandbox::is_regular)) ||
                        place.has(sandbox::Controller::kMemory) ||
                        place.has(sandbox::Controller::kPids);
    const std::string dir = place.dir + "/stagebox-test-tree-" + std::to_string(::getpid());
    if (counts) {
      EXPECT_FALSE(std::filesystem::exists(dir)) << dir;
    }
    (void)::rmdir(dir.c_str());
  }
}

}  // namespace
}  // namespace stagebox::testing
