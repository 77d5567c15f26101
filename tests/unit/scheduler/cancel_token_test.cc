#include "scheduler/cancel_token.h"

#include <gtest/gtest.h>
#include <poll.h>

#include <thread>
#include <vector>

namespace stagebox::scheduler {
namespace {

int readable(const CancelToken& token) {
  pollfd entry{.fd = token.poll_fd(), .events = POLLIN, .revents = 0};
  return ::poll(&entry, 1, 0);
}

TEST(CancelToken, IsReadableOnceCancelledAndStaysSo) {
  const CancelToken token = CancelToken::create().value();
  EXPECT_FALSE(token.cancelled());
  EXPECT_EQ(readable(token), 0);
  const std::stop_token stop = token.stop_token();
  EXPECT_FALSE(stop.stop_requested());
  // A copy of its own is what is tested.
  const CancelToken copy = token;  // NOLINT(performance-unnecessary-copy-initialization)
  copy.cancel();
  copy.cancel();
  EXPECT_TRUE(token.cancelled());
  EXPECT_TRUE(stop.stop_requested());
  EXPECT_EQ(readable(token), 1);
  EXPECT_EQ(readable(token), 1);
}

TEST(CancelToken, CanBeCancelledByManyAtOnce) {
  const CancelToken token = CancelToken::create().value();
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back([token] { token.cancel(); });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(readable(token), 1);
}

}  // namespace
}  // namespace stagebox::scheduler
