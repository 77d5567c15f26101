// The second wall: what a stage could do with a descriptor of the host that should never have
// reached it. Standard input is that descriptor here, because nothing else arrives.
#include <fcntl.h>
#include <unistd.h>

#include <fstream>

#include "sandbox/kernel_features.h"
#include "sandbox/landlock_policy.h"
#include "tests/kernel/escape/escape_fixture.h"

namespace stagebox::testing {
namespace {

class LandlockTest : public EscapeTest {
 protected:
  void SetUp() override {
    EscapeTest::SetUp();
    if (!sandbox::landlock_policy(sandbox::KernelFeatures::probed().landlock_abi).active())
      GTEST_SKIP() << "Landlock: "
                   << sandbox::describe_landlock(sandbox::KernelFeatures::probed().landlock_abi);
  }
  void give(const std::string& path, int flags) {
    stdin_ = base::UniqueFd(::open(path.c_str(), flags | O_CLOEXEC));
    ASSERT_TRUE(stdin_.valid());
  }
};

TEST_F(LandlockTest, ADirectoryOfTheHostCannotBeUsed) {
  for (const int flags : {O_RDONLY | O_DIRECTORY, O_PATH | O_DIRECTORY}) {
    give(canary(), flags);
    const auto result = run(
        "cat /proc/self/fd/0/secret /proc/self/fd/0/dir/file; echo x > /proc/self/fd/0/secret; "
        "touch /proc/self/fd/0/mine; rm /proc/self/fd/0/secret; mkdir /proc/self/fd/0/new; "
        "ls /proc/self/fd/0/; cd /proc/self/fd/0 && cat secret; mv /proc/self/fd/0/secret /tmp");
    ASSERT_TRUE(result.ok()) << result.error().message;
    EXPECT_EQ(result->output.find("sesame"), std::string::npos) << result->output;
    EXPECT_EQ(result->output.find("untouched"), std::string::npos) << result->output;
    EXPECT_EQ(result->output.find("\nsecret\n"), std::string::npos) << result->output;
  }
}

TEST_F(LandlockTest, ProgramsOfTheHostCannotBeExecuted) {
  give("/bin", O_RDONLY | O_DIRECTORY);
  const auto result = run("/proc/self/fd/0/busybox echo reached");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output.find("reached"), std::string::npos) << result->output;
}

// What standard input is open for, and no more.
TEST_F(LandlockTest, AFileGivenToReadCannotBeWritten) {
  give(canary() + "/secret", O_RDONLY);
  const auto result = run("cat /dev/stdin; echo x > /dev/stdin; echo x > /proc/self/fd/0");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(result->output.starts_with("sesame\n")) << result->output;
}

TEST_F(LandlockTest, WhatABuildDoesStaysPossible) {
  const auto result =
      run("mkdir a b && touch a/x && mv a/x b/y && ln b/y a/z && rm -r a b && mkfifo f && "
          "ln -s f l && cp /bin/busybox ./true && ./true && echo out > /dev/stdout && "
          "echo err > /dev/stderr && : > /dev/null && echo done");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output, "out\nerr\ndone\n");
}

}  // namespace
}  // namespace stagebox::testing
