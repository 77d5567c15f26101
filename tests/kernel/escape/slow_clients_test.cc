// A stage that keeps its proxy waiting: heads that never end, answers that nobody reads, more
// connections than anybody needs. All that it can do so is to hold up itself.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstdlib>
#include <thread>

#include "runtime/base/pipe.h"
#include "sandbox/network/proxy_session.h"
#include "tests/kernel/host_process.h"
#include "tests/kernel/network_fixture.h"

namespace stagebox::testing {
namespace {

using sandbox::network::kMostConnections;
using ::testing::HasSubstr;

// Of the one proxy there is; 0: it is gone. In kB where it is an amount of memory.
unsigned long proxy_number(const char* key) {
  const auto found = proxies_of_this_process();
  return found.size() == 1 ? std::strtoul(status_of(found.front(), key).c_str(), nullptr, 10) : 0;
}

class SlowClientsTest : public NetworkTest {
 protected:
  void SetUp() override {
    NetworkTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    ASSERT_NO_FATAL_FAILURE(add_attack_program());
    auto pipe = base::make_pipe();
    ASSERT_TRUE(pipe.ok());
    stdin_ = std::move(pipe->read_end);
    hold_ = std::move(pipe->write_end);
    supervision_.timeout = std::chrono::seconds(120);
    allow({"127.0.0.1:" + server_.port()});
  }
  [[nodiscard]] std::string fetch() const {
    return "wget -q -O - http://127.0.0.1:" + server_.port() + "/";
  }

  base::UniqueFd hold_;  ///< As long as it is open clients hold on to what they have.
};

TEST_F(SlowClientsTest, HeadsThatNeverEndAreGivenUpAfterATimeOfAllTheirBytes) {
  const auto result = run_well("attack slow-clients drip " + std::to_string(kMostConnections) +
                               " > said & until grep -qs begun said; do sleep 0.1; done; " +
                               fetch() + "; wait; cat said");
  EXPECT_EQ(result.output, "hello\nbegun\nall were given up\n");
  EXPECT_THAT(result.connections, HasSubstr("it did not say where to connect to in time"));
}

TEST_F(SlowClientsTest, AHeadThatComesFastHasALength) {
  const auto result = run_well(
      "(printf 'GET http://127.0.0.1/ HTTP/1.1\\r\\n'; yes 'X: y') | nc 127.0.0.1 3128 > "
      "/dev/null 2>&1; " +
      fetch());
  EXPECT_EQ(result.output, "hello\n");
  EXPECT_THAT(result.connections, HasSubstr("the head of the request is too long"));
}

// The other side is held up then, and nothing piles up in between.
TEST_F(SlowClientsTest, WhoDoesNotReadFillsNoMemory) {
  constexpr std::size_t kClients = 8;
  constexpr std::size_t kOffered = std::size_t{64} << 20U;
  constexpr unsigned long kMostMemory = 256UL << 10U;  // kB; a fourth of what is offered
  std::vector<base::UniqueFd> held;
  std::size_t taken = 0;
  server_.take_over = [&](base::UniqueFd& client, std::string_view request) {
    if (request.find("/endless") == std::string_view::npos) return false;
    const std::vector<char> bytes(std::size_t{1} << 20U, 'x');
    std::size_t sent = 0;
    for (struct pollfd ready{client.get(), POLLOUT, 0};
         sent < kOffered && ::poll(&ready, 1, 500) > 0;) {
      const ssize_t count =
          ::send(client.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (count < 0) break;
      sent += static_cast<std::size_t>(count);
    }
    taken = std::max(taken, sent);
    held.push_back(std::move(client));
    return true;
  };
  unsigned long memory = 0;
  server_.on_request = [&] { memory = proxy_number("VmRSS"); };
  const auto result = run_well(
      "exec 9<&0; attack slow-clients unread " + std::to_string(kClients) + " " + server_.port() +
      " <&9 > said & until grep -qs holding said; do sleep 0.1; done; " + fetch() + "; cat said");
  EXPECT_EQ(result.output, "hello\nholding 8 of 8\n");
  EXPECT_EQ(held.size(), kClients);
  EXPECT_LT(taken, kOffered);
  EXPECT_GT(memory, 0U);
  EXPECT_LT(memory, kMostMemory);
}

TEST_F(SlowClientsTest, ThousandsThatSayNothingTakeNoMoreThanABoundedNumberOfThreads) {
  unsigned long threads = 0;
  std::thread watcher([&] {
    (void)becomes_true([&] {
      threads = std::max(threads, proxy_number("Threads"));
      return threads > kMostConnections;
    });
    for (int i = 0; i < 20; ++i) threads = std::max(threads, proxy_number("Threads"));
    hold_.reset();
  });
  const auto result = run_well("exec attack slow-clients idle 3000");
  watcher.join();
  EXPECT_THAT(result.output, HasSubstr("of 3000\n"));
  EXPECT_EQ(threads, kMostConnections + 1);
  EXPECT_GE(std::ranges::count(result.connections, '\n'), kMostConnections);
  EXPECT_TRUE(becomes_true([] { return proxies_of_this_process().empty(); }));
}

}  // namespace
}  // namespace stagebox::testing
