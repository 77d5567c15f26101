#include "runtime/store/key_turn.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <utility>
#include <vector>

#include "tests/support/temp_dir.h"

namespace stagebox::store {
namespace {

using base::Digest;
using base::Sha256;
using base::UniqueFd;

struct KeyTurnTest : ::testing::Test {
  testing::TempDir home;
  UniqueFd dir{::open(home.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};

  [[nodiscard]] base::Result<KeyTurn::Answer> ask(const Digest& key) const {
    return KeyTurn::ask(dir.get(), key);
  }
};

TEST_F(KeyTurnTest, OnlyOneHasItAndTheNextOneGetsItAfterwards) {
  const Digest key = Sha256::of("key");
  auto first = ask(key).value();
  EXPECT_TRUE(first.turn);
  EXPECT_FALSE(first.is_anothers);
  const auto second = ask(key).value();
  EXPECT_FALSE(second.turn);
  EXPECT_TRUE(second.is_anothers);
  first.turn.reset();
  EXPECT_TRUE(ask(key)->turn);
}

TEST_F(KeyTurnTest, OtherKeysAreFree) {
  std::array<std::uint8_t, Digest::kBytes> bytes{};
  bytes.fill(0xff);
  std::vector<KeyTurn::Answer> all;
  for (const Digest& key : {Sha256::of("a"), Sha256::of("b"), Digest(bytes), Digest()}) {
    auto answer = ask(key);
    ASSERT_TRUE(answer.ok());
    EXPECT_TRUE(answer->turn);
    all.push_back(std::move(*answer));
  }
}

TEST_F(KeyTurnTest, TheDeadHaveNone) {
  const Digest key = Sha256::of("key");
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = ask(key);
    ::_exit(held.ok() && held->turn ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(ask(key)->turn);
}

TEST_F(KeyTurnTest, ALinkInItsPlaceIsNotFollowed) {
  std::filesystem::create_symlink("/etc/passwd", home.path() + "/turns");
  EXPECT_EQ(ask(Digest()).error().kind, base::ErrorKind::kCorrupt);
}

}  // namespace
}  // namespace stagebox::store
