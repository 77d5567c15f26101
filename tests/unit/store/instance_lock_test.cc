#include "runtime/store/instance_lock.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <atomic>
#include <thread>

#include "tests/unit/store/store_fixture.h"

namespace stagebox::store {
namespace {

class InstanceLockTest : public ::testing::Test {
 protected:
  InstanceLockTest() : home_(open_home()) {}
  [[nodiscard]] Home open_home() const {
    return std::move(*Home::open(
        {[this](std::string_view) { return std::optional(dir_.path()); }, ::geteuid()}));
  }
  [[nodiscard]] std::vector<std::string> directories() const {
    std::vector<std::string> names;
    for (const std::string& name : names_in(dir_.path("instances"))) {
      if (name != ".lock") names.push_back(name);
    }
    return names;
  }
  /// A child that makes an instance with a note and is killed.
  [[nodiscard]] std::string leave_a_dead_one(const std::string& note) const {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto lock = InstanceLock::create(home_);
      if (!lock.ok() || !lock->add_to_note(note).ok()) ::_exit(1);
      (void)::raise(SIGKILL);
    }
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFSIGNALED(status));
    return directories().empty() ? "" : directories().back();
  }
  TempDir dir_;
  Home home_;
};

TEST_F(InstanceLockTest, LivesWhileItsProcessLives) {
  auto lock = InstanceLock::create(home_);
  ASSERT_TRUE(lock.ok()) << lock.error().message;
  EXPECT_THAT(lock->id(), ::testing::MatchesRegex("[0-9a-f]{12}"));
  EXPECT_EQ(lock->read_note().value(), "");
  ASSERT_TRUE(lock->add_to_note("cgroup /x\n").ok());
  EXPECT_EQ(lock->read_note().value(), "cgroup /x\n");
  ASSERT_TRUE(lock->add_to_note("cgroup /y\n").ok());
  EXPECT_EQ(lock->read_note().value(), "cgroup /x\ncgroup /y\n");
  EXPECT_TRUE(InstanceLock::dead(home_)->empty()) << "its own process does not count it as dead";
  ASSERT_TRUE(lock->remove().ok());
  EXPECT_TRUE(directories().empty());
}

TEST_F(InstanceLockTest, OnlyTheLivingAreAskedForTheirNote) {
  auto lock = InstanceLock::create(home_);
  ASSERT_TRUE(lock->add_to_note("pids 1 2\n").ok());
  EXPECT_EQ(InstanceLock::living_note(home_, lock->id()).value(), "pids 1 2\n");
  EXPECT_FALSE(InstanceLock::living_note(home_, "0123456789ab")->has_value());
  ASSERT_TRUE(lock->remove().ok());
  EXPECT_FALSE(InstanceLock::living_note(home_, lock->id())->has_value());
  const std::string dead = leave_a_dead_one("note");
  EXPECT_FALSE(InstanceLock::living_note(home_, dead)->has_value());
  EXPECT_EQ(InstanceLock::dead(home_)->size(), 1U) << "it was only looked at";
}

TEST_F(InstanceLockTest, AnErrorNamesTheWholePath) {
  ASSERT_EQ(::mkdirat(dir_.fd(), "instances", 0700), 0);
  ASSERT_EQ(::mkdirat(dir_.fd(), "instances/.lock", 0700), 0);
  const auto lock = InstanceLock::create(home_);
  ASSERT_FALSE(lock.ok());
  EXPECT_THAT(lock.error().message, ::testing::HasSubstr(dir_.path("instances/.lock")));
}

TEST_F(InstanceLockTest, TheNotesOfTheKilledAreFound) {
  const std::string id = leave_a_dead_one("mount /m");
  const auto mine = InstanceLock::create(home_);
  auto dead = InstanceLock::dead(home_);
  ASSERT_TRUE(dead.ok());
  ASSERT_EQ(dead->size(), 1U);
  EXPECT_EQ(dead->front().id(), id);
  EXPECT_EQ(dead->front().read_note().value(), "mount /m");
  EXPECT_TRUE(InstanceLock::dead(home_)->empty()) << "somebody is seeing to it";
  ASSERT_TRUE(dead->front().remove().ok());
  EXPECT_THAT(directories(), ::testing::ElementsAre(mine->id()));
}

TEST_F(InstanceLockTest, WhatWasNotRemovedIsFoundAgain) {
  (void)leave_a_dead_one("again");
  EXPECT_EQ(InstanceLock::dead(home_)->size(), 1U);
  const auto again = InstanceLock::dead(home_);
  ASSERT_EQ(again->size(), 1U);
  EXPECT_EQ(again->front().read_note().value(), "again");
}

TEST_F(InstanceLockTest, OneThatDiedWhileItWasMadeIsFoundToo) {
  const auto instances = home_.subdirectory("instances");
  write_at(dir_, "instances/0123456789ab", "");
  auto dead = InstanceLock::dead(home_);
  ASSERT_EQ(dead->size(), 1U);
  EXPECT_EQ(dead->front().read_note().value(), "");
  EXPECT_TRUE(dead->front().remove().ok());
  EXPECT_TRUE(directories().empty());
}

TEST_F(InstanceLockTest, DirectoriesOfEarlierVersionsAreFoundWithTheirNotes) {
  const auto instances = home_.subdirectory("instances");
  for (const char* id : {"0123456789ab", "ba9876543210"})
    ASSERT_EQ(::mkdirat(instances->get(), id, 0700), 0);
  write_at(dir_, "instances/0123456789ab/lock", "");
  write_at(dir_, "instances/0123456789ab/note", "cgroup /z\n");
  // The other one died while it was made.
  std::vector<std::string> notes;
  auto dead = InstanceLock::dead(home_);
  ASSERT_TRUE(dead.ok()) << dead.error().message;
  for (InstanceLock& lock : *dead) {
    notes.push_back(*lock.read_note());
    EXPECT_TRUE(lock.remove().ok());
  }
  EXPECT_THAT(notes, ::testing::UnorderedElementsAre("cgroup /z\n", ""));
  EXPECT_TRUE(directories().empty());
}

TEST_F(InstanceLockTest, NothingElseIsTakenForAnInstance) {
  const auto instances = home_.subdirectory("instances");
  ASSERT_EQ(::symlinkat("/etc/passwd", instances->get(), "0123456789ab"), 0);
  for (const char* name : {"README", "0123456789a", "0123456789abc", "0123456789AB"})
    write_at(dir_, std::string("instances/") + name, "");
  const auto dead = InstanceLock::dead(home_);
  ASSERT_TRUE(dead.ok()) << dead.error().message;
  EXPECT_TRUE(dead->empty());
}

TEST_F(InstanceLockTest, ADeadOneIsGivenToOneOnly) {
  for (int i = 0; i < 5; ++i) (void)leave_a_dead_one("x");
  std::atomic<std::size_t> removed = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      auto dead = InstanceLock::dead(home_);
      ASSERT_TRUE(dead.ok()) << dead.error().message;
      for (InstanceLock& lock : *dead) {
        EXPECT_EQ(lock.read_note().value(), "x");
        EXPECT_TRUE(lock.remove().ok());
        ++removed;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(removed, 5U);
  EXPECT_TRUE(directories().empty());
}

TEST_F(InstanceLockTest, ThreadsMayAddToTheNote) {
  const auto lock = InstanceLock::create(home_);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(lock->add_to_note(std::string(5000, static_cast<char>('a' + t))).ok());
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const std::string note = *lock->read_note();
  ASSERT_EQ(note.size(), std::size_t{4} * 10 * 5000);
  for (std::size_t at = 0; at < note.size(); at += 5000)
    EXPECT_EQ(note.substr(at, 5000), std::string(5000, note[at]));
}

}  // namespace
}  // namespace stagebox::store
