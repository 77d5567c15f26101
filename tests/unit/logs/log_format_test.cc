// The headers: what is written is read back, and nothing else is taken for one.
#include "runtime/logs/log_format.h"

#include <gtest/gtest.h>

namespace stagebox::logs {
namespace {

constexpr LogTime kTime{1'234'567'890'123, 1'700'000'000'987'654'321};

TEST(LogFormat, HeadersAreReadBack) {
  const auto file = decode_file_header(encode_file_header(kTime));
  ASSERT_TRUE(file);
  EXPECT_EQ(file->version, kFormatVersion);
  EXPECT_EQ(file->time, kTime);
  for (const RecordHeader& header : {RecordHeader{RecordKind::kStdout, 1, kTime, {true, false}},
                                     RecordHeader{RecordKind::kStderr, kMaxChunk, {}, {true, true}},
                                     RecordHeader{RecordKind::kNotice, 77, {-1, -2}, {}},
                                     RecordHeader{RecordKind::kEnd, 0, kTime, {}},
                                     RecordHeader{RecordKind::kPacked, kMaxPacked, kTime, {}}}) {
    const auto read = decode_record_header(encode_record_header(header));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, header);
  }
}

TEST(LogFormat, TheBytesStayTheSame) {
  const HeaderBytes bytes =
      encode_record_header({RecordKind::kStderr, 0x0102, {0x11, 0x22}, {false, true}});
  constexpr std::array<unsigned char, 12> kExpected{'C', 'H', 'N', 'K', 2, 2, 0, 0, 2, 1, 0, 0};
  for (std::size_t i = 0; i < kExpected.size(); ++i)
    EXPECT_EQ(bytes.at(i), std::byte{kExpected.at(i)}) << i;
  EXPECT_EQ(bytes[16], std::byte{0x11});
  EXPECT_EQ(bytes[24], std::byte{0x22});
}

TEST(LogFormat, EveryChangedByteIsNoticed) {
  const HeaderBytes good = encode_record_header({RecordKind::kStdout, 5, kTime, {}});
  const HeaderBytes file = encode_file_header(kTime);
  for (std::size_t i = 0; i < kHeaderBytes; ++i) {
    HeaderBytes bad = good;
    bad[i] ^= std::byte{0x40};
    EXPECT_FALSE(decode_record_header(bad)) << i;
    HeaderBytes bad_file = file;
    bad_file[i] ^= std::byte{0x40};
    EXPECT_FALSE(decode_file_header(bad_file)) << i;
  }
  EXPECT_FALSE(decode_record_header(HeaderBytes{}));
}

TEST(LogFormat, WhatIsWrittenWellAndMeansNothingIsRefused) {
  EXPECT_FALSE(decode_record_header(encode_record_header({RecordKind{6}, 1, kTime, {}})));
  EXPECT_FALSE(decode_record_header(encode_record_header({RecordKind{0}, 1, kTime, {}})));
  EXPECT_FALSE(decode_record_header(encode_record_header({RecordKind::kStdout, 0, kTime, {}})));
  EXPECT_FALSE(decode_record_header(encode_record_header({RecordKind::kEnd, 1, kTime, {}})));
  EXPECT_FALSE(
      decode_record_header(encode_record_header({RecordKind::kStdout, kMaxChunk + 1, kTime, {}})));
  EXPECT_FALSE(
      decode_record_header(encode_record_header({RecordKind::kPacked, kMaxPacked + 1, kTime, {}})));
}

}  // namespace
}  // namespace stagebox::logs
