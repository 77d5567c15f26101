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
#include <thread>
#include <utility>
#include <vector>

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
  std::atomic<int> waits = 0;

  base::Result<KeyTurn::Taken> take(const Digest& key,
                                    milliseconds longest = std::chrono::minutes(1)) {
    return KeyTurn::wait(dir.get(), key, cancel.get(), longest, [this] { ++waits; });
  }
};

TEST_F(KeyTurnTest, OnlyOneHasItAndTheNextOneGetsItAfterwards) {
  const Digest key = Sha256::of("key");
  auto first = take(key).value();
  EXPECT_TRUE(first.turn);
  EXPECT_FALSE(first.waited);
  std::atomic<bool> ended = false;
  std::thread other([&] {
    const auto second = take(key);
    ASSERT_TRUE(second.ok());
    EXPECT_TRUE(second->turn);
    EXPECT_TRUE(second->waited);
    EXPECT_TRUE(ended) << "both had it";
  });
  while (waits == 0) std::this_thread::sleep_for(milliseconds(5));
  ended = true;
  first.turn.reset();
  other.join();
  EXPECT_EQ(waits, 1);
}

TEST_F(KeyTurnTest, OtherKeysDoNotWait) {
  std::array<std::uint8_t, Digest::kBytes> bytes{};
  bytes.fill(0xff);
  std::vector<KeyTurn::Taken> all;
  for (const Digest& key : {Sha256::of("a"), Sha256::of("b"), Digest(bytes), Digest()}) {
    auto taken = take(key);
    ASSERT_TRUE(taken.ok());
    EXPECT_TRUE(taken->turn);
    EXPECT_FALSE(taken->waited);
    all.push_back(std::move(*taken));
  }
  EXPECT_EQ(waits, 0);
}

TEST_F(KeyTurnTest, NobodyWaitsForEver) {
  const Digest key = Sha256::of("key");
  const auto first = take(key);
  const auto second = take(key, milliseconds(250));
  ASSERT_TRUE(second.ok());
  EXPECT_TRUE(second->waited);
  EXPECT_FALSE(second->turn);
}

TEST_F(KeyTurnTest, WhoeverIsCancelledStopsWaiting) {
  const Digest key = Sha256::of("key");
  const auto first = take(key);
  ::eventfd_write(cancel.get(), 1);
  const auto second = take(key);
  ASSERT_FALSE(second.ok());
  EXPECT_EQ(second.error().kind, base::ErrorKind::kCancelled);
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
