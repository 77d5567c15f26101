#include "runtime/base/wait_ready.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <thread>

#include "runtime/base/pipe.h"

namespace stagebox::base {
namespace {

std::atomic<bool>& was_interrupted() {
  static std::atomic<bool> value = false;
  return value;
}

TEST(WaitReady, SaysWhetherTheDescriptorIsReadyInTime) {
  const auto pipe = make_pipe();
  ASSERT_TRUE(pipe.ok());
  EXPECT_FALSE(wait_ready(pipe->read_end.get(), POLLIN, std::chrono::milliseconds(0)));
  ASSERT_EQ(::write(pipe->write_end.get(), "x", 1), 1);
  EXPECT_TRUE(wait_ready(pipe->read_end.get(), POLLIN, std::chrono::milliseconds(0)));
}

TEST(WaitReady, ASignalDoesNotEndTheWaiting) {
  const auto pipe = make_pipe();
  ASSERT_TRUE(pipe.ok());
  struct sigaction action{};
  action.sa_handler = [](int) { was_interrupted() = true; };
  struct sigaction old{};
  ASSERT_EQ(::sigaction(SIGUSR1, &action, &old), 0);
  std::atomic<bool> ready = false;
  std::thread waiting([&] { ready = wait_ready(pipe->read_end.get(), POLLIN); });
  // Once may be too early: before the thread waits.
  for (int signals = 0; signals < 50; ++signals) {
    was_interrupted() = false;
    ASSERT_EQ(::pthread_kill(waiting.native_handle(), SIGUSR1), 0);
    while (!was_interrupted()) std::this_thread::yield();
  }
  ASSERT_EQ(::write(pipe->write_end.get(), "x", 1), 1);
  waiting.join();
  EXPECT_TRUE(ready);
  ASSERT_EQ(::sigaction(SIGUSR1, &old, nullptr), 0);
}

}  // namespace
}  // namespace stagebox::base
