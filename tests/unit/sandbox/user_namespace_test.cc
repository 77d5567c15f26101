#include "sandbox/ids/user_namespace.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "runtime/base/syscalls.h"
#include "sandbox/ids/id_map.h"
#include "tests/support/temp_dir.h"

namespace stagebox::sandbox {
namespace {

class SubordinateRangeTest : public ::testing::Test {
 protected:
  std::optional<SubordinateRange> find(const std::string& content) {
    EXPECT_TRUE(base::replace_file_at(dir_.fd(), "subuid", content, 0600).ok());
    return find_subordinate_range(dir_.path("subuid"), "ada", 1815);
  }
  stagebox::testing::TempDir dir_;
};

TEST_F(SubordinateRangeTest, IsFoundByNameOrNumberAndTheLargestWins) {
  EXPECT_EQ(find("ada:100000:65536\n")->first, 100000U);
  EXPECT_EQ(find("1815:200000:65536\n")->first, 200000U);
  EXPECT_EQ(find("ada:1:10\nbob:5:99999\nada:300000:70000\n")->count, 70000U);
}

TEST_F(SubordinateRangeTest, IgnoresOthersAndNonsense) {
  EXPECT_FALSE(find(""));
  EXPECT_FALSE(find("bob:100000:65536\nadam:1:1\n"));
  EXPECT_FALSE(find("ada:x:65536\nada:1\nada\n:::\nada:-1:5\nada:1:99999999999\n"));
  EXPECT_FALSE(find_subordinate_range(dir_.path("missing"), "ada", 1815));
}

TEST(IdMap, IsOneLineOfTheKernelsFormat) {
  EXPECT_EQ((IdMap{100000, 65536}.line()), "0 100000 65536\n");
}

// What a SIGKILL of Stagebox hits when it comes while a namespace is being made.
TEST(NamespaceHolder, DiesWithTheProcessThatMadeIt) {
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe2(pipe.data(), O_CLOEXEC), 0);
  const pid_t maker = ::fork();
  if (maker == 0) {
    const auto holder = fork_namespace_holder();
    const pid_t pid = holder.ok() ? *holder : -holder.error().errno_value;
    (void)!::write(pipe[1], &pid, sizeof(pid));
    for (;;) ::pause();
  }
  pid_t holder = 0;
  ASSERT_EQ(::read(pipe[0], &holder, sizeof(holder)), static_cast<ssize_t>(sizeof(holder)));
  ::close(pipe[1]);
  const base::UniqueFd pidfd(holder > 0 ? base::sys::pidfd_open(holder) : -1);
  ::kill(maker, SIGKILL);
  ASSERT_EQ(::waitpid(maker, nullptr, 0), maker);
  if (holder == -EPERM || holder == -ENOSPC) GTEST_SKIP() << "no user namespaces here";
  ASSERT_TRUE(pidfd.valid());
  constexpr int kPatience = 30'000;  // only a failure waits for it
  struct pollfd dead{pidfd.get(), POLLIN, 0};
  EXPECT_EQ(::poll(&dead, 1, kPatience), 1) << "it outlived its maker";
  if (dead.revents == 0) ::kill(holder, SIGKILL);
  // And it keeps nothing open: the pipe's other copies of the write end are gone.
  std::array<char, 1> rest{};
  EXPECT_EQ(::read(pipe[0], rest.data(), rest.size()), 0);
  ::close(pipe[0]);
}

}  // namespace
}  // namespace stagebox::sandbox
