// The table of compressed logs: read back, and never believed.
#include "runtime/logs/seek_table.h"

#include <gtest/gtest.h>

namespace stagebox::logs {
namespace {

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

std::vector<SeekFrame> three() { return {{0, 10, 0, 100}, {10, 7, 100, 50}, {17, 9, 150, 1}}; }

TEST(SeekTable, IsReadBack) {
  const std::string table = encode_seek_table(three());
  EXPECT_EQ(table.size(), 8U + 3 * 8 + kSeekFooterBytes);
  const auto footer = bytes_of(table).last<kSeekFooterBytes>();
  EXPECT_EQ(seek_table_bytes(footer), table.size());
  const auto frames = decode_seek_table(bytes_of(table), 26 + table.size());
  ASSERT_TRUE(frames.ok()) << frames.error().message;
  ASSERT_EQ(frames->size(), 3U);
  EXPECT_EQ(frames->at(2).at, 17U);
  EXPECT_EQ(frames->at(2).content, 150U);
  EXPECT_EQ(frames->at(2).length, 1U);
}

TEST(SeekTable, MustFitItsFile) {
  const std::string table = encode_seek_table(three());
  EXPECT_FALSE(decode_seek_table(bytes_of(table), 25 + table.size()).ok());
  EXPECT_FALSE(decode_seek_table(bytes_of(table), 27 + table.size()).ok());
  EXPECT_FALSE(decode_seek_table(bytes_of(table).subspan(1), 25 + table.size()).ok());
  EXPECT_FALSE(decode_seek_table({}, 0).ok());
}

TEST(SeekTable, ChangedBytesAreNoticedOrHarmless) {
  const std::string table = encode_seek_table(three());
  for (std::size_t i = 0; i < table.size(); ++i) {
    std::string bad = table;
    bad[i] = static_cast<char>(bad[i] ^ 0x41);
    const auto frames = decode_seek_table(bytes_of(bad), 26 + bad.size());
    if (!frames.ok()) continue;
    // Only how much a frame holds is not told by anything else; zstd says so when it is read.
    for (const SeekFrame& frame : *frames) EXPECT_LE(frame.length, kMaxFrame);
  }
}

TEST(SeekTable, FramesThatAreTooLargeOrTooManyAreRefused) {
  const std::vector<SeekFrame> large{{0, 10, 0, kMaxFrame + 1}};
  const std::string table = encode_seek_table(large);
  EXPECT_FALSE(decode_seek_table(bytes_of(table), 10 + table.size()).ok());
  std::string many = table;
  many[many.size() - 6] = '\x7f';  // the highest byte of the number of frames
  EXPECT_FALSE(seek_table_bytes(bytes_of(many).last<kSeekFooterBytes>()));
}

}  // namespace
}  // namespace stagebox::logs
