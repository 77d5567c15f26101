#include "images/stream/threaded_stream.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstring>
#include <string>

#include "images/stream/piece_ring.h"

namespace stagebox::images {
namespace {

// Gives `count` pieces, each filled with its number, from as many buffers as ThreadedStream asks
// for; then the end, or an error.
class Numbers final : public ByteStream {
 public:
  explicit Numbers(int count, bool fails = false)
      : count_(count), fails_(fails), ring_(ThreadedStream::kKept, 4096) {}
  base::Result<std::span<const std::byte>> next() override {
    ++calls;
    if (made_ == count_ && fails_) return base::invalid("no more");
    if (made_ == count_) return std::span<const std::byte>();
    const auto piece = ring_.next();
    std::memset(piece.data(), ++made_, piece.size());
    return piece;
  }
  std::atomic<int> calls = 0;

 private:
  int count_;
  bool fails_;
  int made_ = 0;
  PieceRing ring_;
};

TEST(ThreadedStream, PiecesStayWhatTheyWereUntilTheNext) {
  Numbers upstream(100);
  const auto stream = ThreadedStream::start(upstream);
  ASSERT_TRUE(stream.ok());
  for (int number = 1; number <= 100; ++number) {
    const auto piece = (*stream)->next();
    ASSERT_TRUE(piece.ok());
    ASSERT_EQ(piece->size(), 4096U);
    // Until the other thread has gone as far as it may, which must not touch this piece.
    const int most = std::min(number + static_cast<int>(ThreadedStream::kAhead), 101);
    while (upstream.calls < most) std::this_thread::yield();
    for (const std::byte byte : *piece) ASSERT_EQ(static_cast<int>(byte), number);
  }
  for (int i = 0; i < 2; ++i) {
    const auto end = (*stream)->next();
    ASSERT_TRUE(end.ok());
    EXPECT_TRUE(end->empty());
  }
}

TEST(ThreadedStream, ReadsOnlyAFewPiecesAhead) {
  Numbers upstream(100);
  const auto stream = ThreadedStream::start(upstream);
  ASSERT_TRUE(stream.ok());
  ASSERT_TRUE((*stream)->next().ok());
  EXPECT_LE(upstream.calls, 1 + static_cast<int>(ThreadedStream::kAhead));
}

TEST(ThreadedStream, ErrorsComeInTheirPlaceAndStay) {
  Numbers upstream(2, true);
  const auto stream = ThreadedStream::start(upstream);
  ASSERT_TRUE(stream.ok());
  EXPECT_TRUE((*stream)->next().ok());
  EXPECT_TRUE((*stream)->next().ok());
  for (int i = 0; i < 2; ++i) {
    const auto failed = (*stream)->next();
    ASSERT_FALSE(failed.ok());
    EXPECT_EQ(failed.error().message, "no more");
  }
}

TEST(ThreadedStream, CanBeLeftInTheMiddle) {
  Numbers upstream(100);
  {
    const auto stream = ThreadedStream::start(upstream);
    ASSERT_TRUE(stream.ok());
    ASSERT_TRUE((*stream)->next().ok());
  }
  EXPECT_LT(upstream.calls, 100);
}

}  // namespace
}  // namespace stagebox::images
