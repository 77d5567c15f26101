// The second wall: what a stage could do with a descriptor of the host that should never have
// reached it (here it comes over a socket that is standard input, because nothing else arrives),
// with sockets that have no file, and to processes that are none of its own.
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <fstream>

#include "sandbox/fork_server/fd_message.h"
#include "sandbox/kernel/kernel_features.h"
#include "sandbox/kernel/landlock_policy.h"
#include "tests/kernel/escape/escape_fixture.h"

namespace stagebox::testing {
namespace {

class LandlockTest : public EscapeTest {
 protected:
  void give(const std::string& path, int flags) {
    stdin_ = base::UniqueFd(::open(path.c_str(), flags | O_CLOEXEC));
    ASSERT_TRUE(stdin_.valid());
  }
  // A script with what the host has at `path` as its standard input. Without single quotes.
  base::Result<RunResult> run_with_received(const std::string& path, int flags,
                                            const std::string& script) {
    const base::UniqueFd fd(::open(path.c_str(), flags | O_CLOEXEC));
    EXPECT_TRUE(fd.valid());
    auto sockets = TRY(sandbox::make_socket_pair());
    const int sent = fd.get();
    TRY(sandbox::send_message(sockets.ours.get(), std::as_bytes(std::span("x", 1)),
                              std::span(&sent, 1)));
    stdin_ = std::move(sockets.theirs);
    return run("exec attack with-received sh -c '" + script + "'");
  }
};

// By what the kernel has, not by what we make of it.
#define NEED_ABI(abi)                                         \
  if (sandbox::KernelFeatures::probed().landlock_abi < (abi)) \
  GTEST_SKIP() << "Landlock: "                                \
               << sandbox::describe_landlock(sandbox::KernelFeatures::probed().landlock_abi)

constexpr int kFileAbi = 2;   // Linux 5.19
constexpr int kScopeAbi = 6;  // Linux 6.12

TEST_F(LandlockTest, ADirectoryOfTheHostCannotBeUsed) {
  NEED_ABI(kFileAbi);
  for (const int flags : {O_RDONLY | O_DIRECTORY, O_PATH | O_DIRECTORY}) {
    const auto result = run_with_received(
        canary(), flags,
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
  NEED_ABI(kFileAbi);
  const auto result =
      run_with_received("/bin", O_RDONLY | O_DIRECTORY, "/proc/self/fd/0/busybox echo reached");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output.find("reached"), std::string::npos) << result->output;
}

// Landlock says nothing of who looks at what is in a directory, or connects to a socket there.
TEST_F(LandlockTest, ADirectoryIsNoStandardInput) {
  for (const int flags : {O_RDONLY | O_DIRECTORY, O_PATH | O_DIRECTORY}) {
    give(canary(), flags);
    const auto result = run("echo started");
    ASSERT_FALSE(result.ok());
    EXPECT_NE(result.error().message.find("through which a sandbox could be left"),
              std::string::npos)
        << result.error().message;
    ASSERT_NO_FATAL_FAILURE(discard_scratch());
  }
}

// What standard input is open for, and no more.
TEST_F(LandlockTest, AFileGivenToReadCannotBeWritten) {
  NEED_ABI(kFileAbi);
  give(canary() + "/secret", O_RDONLY);
  const auto result = run("cat /dev/stdin; echo x > /dev/stdin; echo x > /proc/self/fd/0");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_TRUE(result->output.starts_with("sesame\n")) << result->output;
}

// Of a stage that shares the host's network all abstract sockets of the host would be in reach,
// D-Bus and the X server among them (CVE-2020-15257).
TEST_F(LandlockTest, NoAbstractSocketThroughASharedNetwork) {
  NEED_ABI(kScopeAbi);
  const std::string name = "stagebox-test-" + std::to_string(::getpid());
  const auto stream = bind_abstract(SOCK_STREAM, name);
  ASSERT_EQ(::listen(stream.get(), 8), 0);
  const auto datagram = bind_abstract(SOCK_DGRAM, name + "-datagram");
  spec_.namespaces.network = sandbox::Sharing::kWithHost;
  const std::string arguments = "abstract-sockets " + name + " " + name + "-datagram";
  expect_all_refused(ATTACK(arguments).output, 3);
  const auto held = hold("exec sleep 1000", Until::kRunning);
  ASSERT_TRUE(held.ok()) << held.error().message;
  sandbox::ProcessSpec process;
  process.command = {{"/bin/attack", "abstract-sockets", name, name + "-datagram"}, {}, "/"};
  expect_all_refused(exec_output(*held, process), 3);
  char byte = 0;
  EXPECT_EQ(::recv(datagram.get(), &byte, 1, MSG_DONTWAIT), -1) << "something arrived";
}

// Pid 1 has the stage's own user where that is root, and would pass a signal on.
TEST_F(LandlockTest, NoSignalLeavesTheStage) {
  NEED_ABI(kScopeAbi);
  expect_all_refused(ATTACK("signal-init").output, 5);
  spec_.capabilities = every_capability();
  expect_all_refused(ATTACK("signal-init").output, 5);
}

class OlderLandlockTest : public LandlockTest {};

// As of Debian 12's kernel: what cannot be walled off is not shared.
TEST_F(OlderLandlockTest, TheHostsNetworkIsNotSharedWithoutScopes) {
  if (sandbox::KernelFeatures::probed().landlock_abi >= kScopeAbi)
    GTEST_SKIP() << "this kernel has them";
  spec_.namespaces.network = sandbox::Sharing::kWithHost;
  const auto result = run("echo started");
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.error().message.find("abstract sockets"), std::string::npos)
      << result.error().message;
}

TEST_F(LandlockTest, MessageQueuesStayPossible) {
  const std::string works =
      "mq_open: ALLOWED\nmq_send: ALLOWED\nmq_receive: ALLOWED\nmq_unlink: ALLOWED\n";
  EXPECT_EQ(ATTACK("message-queue").output, works);
  scratch_name_ = "held";
  const auto held = hold("exec sleep 1000", Until::kRunning);
  ASSERT_TRUE(held.ok()) << held.error().message;
  sandbox::ProcessSpec process;
  process.command = {{"/bin/attack", "message-queue"}, {}, "/"};
  EXPECT_EQ(exec_output(*held, process), works);
}

TEST_F(LandlockTest, WhatABuildDoesStaysPossible) {
  NEED_ABI(kFileAbi);
  const auto result =
      run("mkdir a b && touch a/x && mv a/x b/y && ln b/y a/z && rm -r a b && mkfifo f && "
          "ln -s f l && cp /bin/busybox ./true && ./true && echo out > /dev/stdout && "
          "echo err > /dev/stderr && : > /dev/null && echo done");
  ASSERT_TRUE(result.ok()) << result.error().message;
  EXPECT_EQ(result->output, "out\nerr\ndone\n");
}

}  // namespace
}  // namespace stagebox::testing
