// What the kernel counts for a user of the machine, or for the machine: a sandbox that takes all
// that it can get leaves something to its host and to other sandboxes.
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <ctime>
#include <vector>

#include "tests/kernel/escape/escape_fixture.h"

namespace stagebox::testing {
namespace {

constexpr std::uint64_t kSignals = 64;
constexpr long kVeryMuch = 100'000;

class SharesTest : public EscapeTest {
 protected:
  void SetUp() override {
    EscapeTest::SetUp();
    // Two of these at once, in the roles of one user, leave each other less than they look for.
    turn_.reset(::open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
    ASSERT_EQ(::flock(turn_.get(), LOCK_EX), 0);
    // As every stage has one; small, so that it is reached soon.
    spec_.rlimits.push_back({RLIMIT_SIGPENDING, kSignals, kSignals});
  }

  // How many a sandbox could take, in a line; it keeps them as long as it is held. Without an end
  // of the line it did not live to say it.
  std::string told_by_taker(const std::string& what) {
    scratch_name_ = "scratch" + std::to_string(takers_.size());
    auto held = hold("exec attack take " + what, Until::kRunning);
    EXPECT_TRUE(held.ok()) << held.error().message;
    if (!held.ok()) return "";
    takers_.push_back(std::move(*held));
    std::string line;
    char letter = 0;
    constexpr int kMilliseconds = 60'000;
    struct pollfd output{takers_.back().output.get(), POLLIN, 0};
    while (!line.ends_with('\n') && ::poll(&output, 1, kMilliseconds) > 0 &&
           ::read(output.fd, &letter, 1) == 1)
      line += letter;
    return line;
  }

  long take(const std::string& what) {
    const std::string line = told_by_taker(what);
    EXPECT_TRUE(line.ends_with('\n')) << what << ": " << line;
    return std::strtol(line.c_str(), nullptr, 10);
  }

  sandbox::Sandbox& last_taker() { return takers_.back().sandbox; }

 private:
  base::UniqueFd turn_;
  std::vector<HeldSandbox> takers_;
};

TEST_F(SharesTest, InotifyInstances) {
  const long first = take("inotify");
  EXPECT_GT(first, 0);
  EXPECT_LT(first, kVeryMuch);
  EXPECT_GT(take("inotify"), 0) << "another sandbox";
  std::vector<base::UniqueFd> own;
  for (int i = 0; i < 8; ++i) {
    own.emplace_back(::inotify_init1(IN_CLOEXEC));
    EXPECT_TRUE(own.back().valid()) << "the host, the " << i << "th: " << std::strerror(errno);
  }
}

TEST_F(SharesTest, QueuedSignals) {
  EXPECT_LE(take("timers"), static_cast<long>(kSignals));
  EXPECT_GT(take("timers"), 0) << "another sandbox";
  struct sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  timer_t timer{};
  ASSERT_EQ(::timer_create(CLOCK_MONOTONIC, &event, &timer), 0) << std::strerror(errno);
  EXPECT_EQ(::timer_delete(timer), 0);
}

TEST_F(SharesTest, Terminals) {
  EXPECT_EQ(take("terminals"), static_cast<long>(sandbox::kMostTerminals));
  EXPECT_GT(take("terminals"), 0) << "another sandbox";
  EXPECT_TRUE(base::UniqueFd(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC)).valid());
}

// What waits in sockets is memory of who was sent it. Each holds some 200 KiB, or nothing.
TEST_F(SharesTest, DatagramsThatNobodyReads) {
  if (!cgroups().has(sandbox::Controller::kMemory))
    GTEST_SKIP() << "no writable cgroup with the controller memory";
  spec_.limits.memory = 64ULL << 20;
  const std::string line = told_by_taker("datagrams");
  if (line.empty()) {
    // v2 counts them with all other memory, of which there was not enough.
    EXPECT_GT(last_taker().cgroup_usage().oom_kills, 0U);
    return;
  }
  const long sockets = std::strtol(line.c_str(), nullptr, 10);
  EXPECT_GT(sockets, 0);
  EXPECT_LT(sockets, 400);
}

TEST_F(SharesTest, AioContexts) { EXPECT_EQ(take("aio"), 0); }

}  // namespace
}  // namespace stagebox::testing
