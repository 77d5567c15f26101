#include "runtime/store/mutex_locks.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "runtime/store/key_turn.h"
#include "tests/support/temp_dir.h"

namespace stagebox::store {
namespace {

using base::TrustDomain;

struct MutexLocksTest : ::testing::Test {
  testing::TempDir home;
  base::UniqueFd dir{::open(home.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  MutexScope scope;

  [[nodiscard]] MutexLocks::Answer ask(const std::vector<std::string>& groups) const {
    return ask(scope, groups);
  }
  [[nodiscard]] MutexLocks::Answer ask(const MutexScope& whose,
                                       const std::vector<std::string>& groups) const {
    auto answer = MutexLocks::ask(dir.get(), whose, groups);
    EXPECT_TRUE(answer.ok());
    EXPECT_EQ(answer->locks.has_value(), answer->anothers.empty());
    return std::move(*answer);
  }
};

TEST_F(MutexLocksTest, OneHasAGroupAndTheNextOneGetsItAfterwards) {
  auto first = ask({"deploy"});
  EXPECT_TRUE(first.locks);
  EXPECT_EQ(ask({"deploy"}).anothers, "deploy");
  EXPECT_TRUE(ask({"other"}).locks);
  first.locks.reset();
  EXPECT_TRUE(ask({"deploy"}).locks);
}

TEST_F(MutexLocksTest, AllOfThemOrNone) {
  auto first = ask({"b"});
  EXPECT_EQ(ask({"a", "b", "c"}).anothers, "b");
  // Whoever waits for `b` keeps nobody from the others, so nobody waits in a circle.
  EXPECT_TRUE(ask({"a"}).locks);
  EXPECT_TRUE(ask({"c"}).locks);
  first.locks.reset();
  const auto all = ask({"a", "b", "c"});
  for (const char* one : {"a", "b", "c"}) EXPECT_EQ(ask({one}).anothers, one);
  EXPECT_TRUE(ask({"d"}).locks);
}

TEST_F(MutexLocksTest, OtherDomainsAndProjectsDoNotMeet) {
  const auto trusted = ask({"deploy"});
  const TrustDomain fork = TrustDomain::untrusted("pr-1").value();
  const auto untrusted = ask({fork, ""}, {"deploy"});
  EXPECT_TRUE(untrusted.locks);
  EXPECT_FALSE(ask({fork, ""}, {"deploy"}).locks);
  EXPECT_TRUE(ask({TrustDomain::untrusted("pr-2").value(), ""}, {"deploy"}).locks);
  const auto of_project = ask({{}, "team/app"}, {"deploy"});
  EXPECT_TRUE(of_project.locks);
  EXPECT_FALSE(ask({{}, "team/app"}, {"deploy"}).locks);
  EXPECT_TRUE(ask({{}, "team/other"}, {"deploy"}).locks);
}

// A stage key has none of them, and they have none of its turns.
TEST_F(MutexLocksTest, TheTurnsOfStageKeysAreOthers) {
  const auto turn = KeyTurn::ask(dir.get(), base::Sha256::of("trusted\ndeploy\n"));
  EXPECT_TRUE(turn->turn);
  EXPECT_TRUE(ask({"deploy"}).locks);
}

TEST_F(MutexLocksTest, VeryManyAreTakenWithOneDescriptor) {
  std::vector<std::string> groups;
  for (int i = 0; i < 5000; ++i) groups.push_back("g" + std::to_string(i));
  const auto all = ask(groups);
  EXPECT_TRUE(all.locks);
  EXPECT_EQ(ask({"g4999"}).anothers, "g4999");
}

TEST_F(MutexLocksTest, TheDeadHaveNone) {
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = MutexLocks::ask(dir.get(), scope, {"deploy"});
    ::_exit(held.ok() && held->locks ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(ask({"deploy"}).locks);
}

TEST_F(MutexLocksTest, ALinkInItsPlaceIsNotFollowed) {
  std::filesystem::create_symlink("/etc/passwd", home.path() + "/mutexes");
  EXPECT_EQ(MutexLocks::ask(dir.get(), scope, {"a"}).error().kind, base::ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace stagebox::store
