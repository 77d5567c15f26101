// Logs that are being written, were broken off, were damaged, or are older than the format.
#include "runtime/logs/log_reader.h"

#include <gmock/gmock.h>

#include "log_fixture.h"

namespace stagebox::logs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using LogReaderTest = LogTest;

TEST_F(LogReaderTest, GoesOnWhereALogGoesOn) {
  LogWriter writer = create();
  LogReader reader = open(writer.path());
  EXPECT_THAT(read(reader), IsEmpty());
  EXPECT_EQ(reader.state(), LogState::kOpen);
  write(writer, "one");
  EXPECT_THAT(read(reader), ElementsAre("out:one"));
  EXPECT_THAT(read(reader), IsEmpty());
  write(writer, "two", Stream::kStderr);
  write(writer, "three");
  EXPECT_THAT(read(reader), ElementsAre("err:two", "out:three"));
  ASSERT_TRUE(writer.end().ok());
  EXPECT_THAT(read(reader), IsEmpty());
  EXPECT_EQ(reader.state(), LogState::kWhole);
}

TEST_F(LogReaderTest, IsReadUpToTheLastWholeChunkWhereverItBreaksOff) {
  LogWriter writer = create();
  write(writer, "first");
  const std::size_t one = writer.size();
  write(writer, "second");
  const std::string whole = content(writer.path());
  for (std::size_t size = 0; size < whole.size(); ++size) {
    LogReader reader = open(put("cut", std::string_view(whole).substr(0, size)));
    EXPECT_EQ(read(reader),
              size < one ? std::vector<std::string>() : std::vector<std::string>{"out:first"})
        << size;
    // A plain log of an earlier version begins otherwise, so a beginning alone says nothing.
    EXPECT_EQ(reader.state(), LogState::kOpen) << size;
  }
}

TEST_F(LogReaderTest, NothingIsBelievedAfterDamage) {
  LogWriter writer = create();
  write(writer, "first");
  const std::size_t one = writer.size();
  write(writer, "second");
  write(writer, "third");
  const std::string whole = content(writer.path());
  std::string zeros = whole.substr(0, one) + std::string(100, '\0');
  LogReader after_crash = open(put("zeros", zeros));
  EXPECT_THAT(read(after_crash), ElementsAre("out:first"));
  EXPECT_EQ(after_crash.state(), LogState::kDamaged);
  EXPECT_EQ(after_crash.offset(), one);
  for (std::size_t i = one; i < one + kHeaderBytes; ++i) {
    std::string damaged = whole;
    damaged[i] = static_cast<char>(damaged[i] ^ 1);
    LogReader reader = open(put("damaged", damaged));
    EXPECT_THAT(read(reader), ElementsAre("out:first")) << i;
    EXPECT_EQ(reader.state(), LogState::kDamaged) << i;
  }
  std::string head = whole;
  head[20] = static_cast<char>(head[20] ^ 1);
  LogReader reader = open(put("head", head));
  EXPECT_THAT(read(reader), IsEmpty());
  EXPECT_EQ(reader.state(), LogState::kDamaged);
}

std::string record(RecordKind kind, const std::string& content) {
  const auto length = static_cast<std::uint32_t>(content.size());
  return text_of(encode_record_header({kind, length, log_time_now(), {}})) + content;
}

std::string packed(const std::string& records) {
  FrameMaker maker;
  return record(RecordKind::kPacked,
                text_of(maker.make(std::as_bytes(std::span(records))).value()));
}

TEST_F(LogReaderTest, GivesWhatIsPackedRecordByRecord) {
  const std::string log =
      text_of(encode_file_header(log_time_now())) + record(RecordKind::kStdout, "a") +
      packed(record(RecordKind::kStdout, "b") + record(RecordKind::kStderr, "c")) +
      packed(record(RecordKind::kStdout, "d")) + record(RecordKind::kEnd, "");
  LogReader reader = open(put("packed.log", log));
  EXPECT_THAT(read(reader), ElementsAre("out:a", "out:b", "err:c", "out:d"));
  EXPECT_EQ(reader.state(), LogState::kWhole);
}

// Records that the writer never packs, too much of them, less than there should be, and frames that
// are none.
TEST_F(LogReaderTest, WhatIsPackedIsNotBelieved) {
  const std::string one = record(RecordKind::kStdout, "b");
  const std::string full = record(RecordKind::kStdout, std::string(kMaxChunk, 'x'));
  std::string damaged = packed(one + one);
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  for (const std::string& bad : {packed(packed(one)), packed(record(RecordKind::kNotice, "ours")),
                                 packed(record(RecordKind::kEnd, "")), packed("few bytes"),
                                 packed(one.substr(0, 32)), packed(full + full + full + full + one),
                                 packed(""), record(RecordKind::kPacked, "no frame"), damaged}) {
    const std::string log = text_of(encode_file_header(log_time_now())) +
                            record(RecordKind::kStdout, "before") + bad + one;
    LogReader reader = open(put("bad.log", log));
    EXPECT_THAT(read(reader), ElementsAre("out:before"));
    EXPECT_EQ(reader.state(), LogState::kDamaged);
  }
}

TEST_F(LogReaderTest, ReadsLogsOfTheVersionBefore) {
  HeaderBytes header = encode_file_header(log_time_now());
  header[8] = std::byte{1};
  std::uint32_t check = 2166136261U;
  for (std::size_t i = 0; i < header.size(); ++i) {
    if (i < 12 || i >= 16) check = (check ^ std::to_integer<std::uint32_t>(header[i])) * 16777619U;
  }
  for (std::size_t i = 0; i < 4; ++i) header[12 + i] = static_cast<std::byte>(check >> 8 * i);
  LogReader reader = open(put("old.log", text_of(header) + record(RecordKind::kStdout, "a")));
  EXPECT_THAT(read(reader), ElementsAre("out:a"));
}

TEST_F(LogReaderTest, PlainLogsOfEarlierVersionsAreOneStream) {
  const std::string text = std::string("hello\n\0\xff", 8) + std::string(300'000, 'x');
  LogReader reader = open(put("old.log", text));
  std::string all;
  for (const std::string& chunk : read(reader)) {
    EXPECT_EQ(chunk.substr(0, 4), "out:");
    all += chunk.substr(4);
  }
  EXPECT_EQ(all, text);
  EXPECT_EQ(reader.state(), LogState::kWhole);
  LogReader empty = open(put("empty.log", ""));
  EXPECT_THAT(read(empty), IsEmpty());
}

TEST_F(LogReaderTest, AMissingLogIsNamed) {
  const auto reader = LogReader::open(dir_.path() + "/none.log");
  ASSERT_FALSE(reader.ok());
  EXPECT_EQ(reader.error().kind, base::ErrorKind::kNotFound);
  EXPECT_NE(reader.error().message.find("none.log"), std::string::npos);
}

}  // namespace
}  // namespace stagebox::logs
