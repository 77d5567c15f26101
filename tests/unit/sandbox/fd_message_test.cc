#include "sandbox/fork_server/fd_message.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

namespace stagebox::sandbox {
namespace {

class FdMessageTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::array<int, 2> fds{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds.data()), 0);
    left_.reset(fds[0]);
    right_.reset(fds[1]);
  }
  base::UniqueFd left_, right_;
};

TEST_F(FdMessageTest, CarriesBytesAndDescriptors) {
  const base::UniqueFd null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  const std::array<std::byte, 3> data{std::byte{1}, std::byte{2}, std::byte{3}};
  const std::array<int, 2> fds{null.get(), null.get()};
  ASSERT_TRUE(send_message(left_.get(), data, fds).ok());
  std::array<std::byte, 8> buffer{};
  const auto message = receive_message(right_.get(), buffer);
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->size, 3U);
  ASSERT_EQ(message->fds.size(), 2U);
  EXPECT_TRUE((::fcntl(message->fds[0].get(), F_GETFD) & FD_CLOEXEC) != 0) << "born CLOEXEC";
}

TEST_F(FdMessageTest, TellsWhenTheOtherSideIsGone) {
  left_.reset();
  std::array<std::byte, 8> buffer{};
  EXPECT_TRUE(receive_message(right_.get(), buffer).value().closed);
}

TEST_F(FdMessageTest, RefusesWhatDoesNotFit) {
  const std::array<std::byte, 16> data{};
  ASSERT_TRUE(send_message(left_.get(), data, {}).ok());
  std::array<std::byte, 8> buffer{};
  EXPECT_FALSE(receive_message(right_.get(), buffer).ok());
  const std::vector<int> many(kMaxMessageFds + 1, 0);
  EXPECT_EQ(send_message(left_.get(), data, many).error().kind, base::ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace stagebox::sandbox
