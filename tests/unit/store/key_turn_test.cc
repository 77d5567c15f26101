#include "runtime/store/key_turn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <optional>
#include <thread>

#include "tests/support/temp_dir.h"

namespace stagebox::store {
namespace {

using base::Digest;
using base::Sha256;
using base::UniqueFd;
using std::chrono::milliseconds;

struct KeyTurnTest : ::testing::Test {
  testing::TempDir home;
  UniqueFd dir{::open(home.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  UniqueFd cancel{::eventfd(0, EFD_CLOEXEC)};
  int waits = 0;

  base::Result<KeyTurn> take(const Digest& key) {
    return KeyTurn::wait(dir.get(), key, cancel.get(), [this] { ++waits; });
  }
};

TEST_F(KeyTurnTest, OnlyOneHasItAndTheNextOneGetsItAfterwards) {
  const Digest key = Sha256::of("key");
  auto first = std::optional(take(key).value());
  EXPECT_FALSE(first->is_awaited());
  std::atomic<bool> ended = false;
  std::thread other([&] {
    const auto second = take(key);
    EXPECT_TRUE(second.ok());
    EXPECT_TRUE(ended) << "both had it";
    EXPECT_FALSE(second->is_awaited()) << "it waits no more";
  });
  while (waits == 0) std::this_thread::sleep_for(milliseconds(5));
  EXPECT_TRUE(first->is_awaited());
  ended = true;
  first.reset();
  other.join();
  EXPECT_EQ(waits, 1);
}

TEST_F(KeyTurnTest, OtherKeysDoNotWait) {
  const auto first = take(Sha256::of("a"));
  const auto second = take(Sha256::of("b"));
  std::array<std::uint8_t, Digest::kBytes> bytes{};
  bytes.fill(0xff);
  const auto last = take(Digest(bytes));
  const auto none = take(Digest());
  EXPECT_TRUE(first.ok() && second.ok() && last.ok() && none.ok());
  EXPECT_EQ(waits, 0);
  EXPECT_FALSE(last->is_awaited());
}

TEST_F(KeyTurnTest, WhoeverIsCancelledStopsWaiting) {
  const Digest key = Sha256::of("key");
  const auto first = take(key);
  ::eventfd_write(cancel.get(), 1);
  const auto second = take(key);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, base::ErrorKind::kCancelled);
  EXPECT_FALSE(first->is_awaited()) << "nobody waits any more";
  EXPECT_TRUE(take(Sha256::of("free")).ok()) << "nothing had to be waited for";
}

TEST_F(KeyTurnTest, TheDeadHaveNone) {
  const Digest key = Sha256::of("key");
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = take(key);
    ::_exit(held.ok() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(take(key).ok());
  EXPECT_EQ(waits, 0);
}

TEST_F(KeyTurnTest, ALinkInItsPlaceIsNotFollowed) {
  std::filesystem::create_symlink("/etc/passwd", home.path() + "/turns");
  EXPECT_FALSE(take(Digest()).ok());
}

}  // namespace
}  // namespace stagebox::store
