#include "runtime/base/dir_stack.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "runtime/base/files.h"
#include "tests/support/temp_dir.h"

namespace stagebox::base {
namespace {

using testing::TempDir;

constexpr std::size_t kLevels = DirStack::kMaxOpen + 10;

/// Goes down through fresh directories named "d", the root being the first level.
void push_levels(const TempDir& dir, DirStack& stack) {
  ASSERT_TRUE(stack.push(std::move(*duplicate(dir.fd()))).ok());
  while (stack.depth() < kLevels) {
    ASSERT_EQ(::mkdirat(stack.top(), "d", 0700), 0);
    UniqueFd next(::openat(stack.top(), "d", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    ASSERT_TRUE(stack.push(std::move(next)).ok());
  }
}

TEST(DirStack, ComesBackToTheVeryDirectories) {
  const TempDir dir;
  DirStack stack;
  push_levels(dir, stack);
  while (stack.depth() > 1) ASSERT_TRUE(stack.pop().ok()) << stack.depth();
  EXPECT_EQ(stat_fd(stack.top())->st_ino, stat_fd(dir.fd())->st_ino);
  ASSERT_TRUE(stack.pop().ok());
  EXPECT_EQ(stack.depth(), 0U);
}

TEST(DirStack, ADirectoryThatWasMovedAwayLeadsNowhere) {
  const TempDir dir;
  const TempDir elsewhere;
  DirStack stack;
  push_levels(dir, stack);
  ASSERT_EQ(::renameat(dir.fd(), "d/d/d", elsewhere.fd(), "taken"), 0);
  Result<void> result;
  while (result.ok() && stack.depth() > 1) result = stack.pop();
  ASSERT_FALSE(result.ok());
  EXPECT_EQ(result.error().kind, ErrorKind::kInvalid);
  EXPECT_EQ(stack.depth(), 3U) << "at the parent of what was moved";
}

}  // namespace
}  // namespace stagebox::base
