// The end of a log without what is before it: what comes is the same, and little is read.
#include <gmock/gmock.h>

#include <random>

#include "log_fixture.h"
#include "runtime/logs/log_archive.h"
#include "runtime/logs/log_marks.h"

namespace stagebox::logs {
namespace {

using ::testing::ElementsAre;

// Counts what is read of a log.
class CountedSource final : public LogSource {
 public:
  CountedSource(std::unique_ptr<LogSource> source, std::uint64_t& bytes)
      : source_(std::move(source)), bytes_(bytes) {}
  base::Result<std::size_t> read(std::span<std::byte> into, std::uint64_t offset) override {
    auto got = source_->read(into, offset);
    if (got.ok()) bytes_ += *got;
    return got;
  }
  [[nodiscard]] std::vector<std::uint64_t> entries() const override { return source_->entries(); }

 private:
  std::unique_ptr<LogSource> source_;
  std::uint64_t& bytes_;
};

class LogEndTest : public LogTest {
 protected:
  LogReader counted(const std::string& path) {
    auto source = open_source(base::open_path(path, O_RDONLY).value(), path);
    EXPECT_TRUE(source.ok());
    return LogReader(std::make_unique<CountedSource>(std::move(*source), read_));
  }
  std::string end_of(LogReader& reader, std::uint64_t bytes) {
    const auto skipped = reader.skip_to_last(bytes);
    EXPECT_TRUE(skipped.ok()) << skipped.error().message;
    return text(reader);
  }
  void archive(const std::string& name) {
    ASSERT_EQ(make_archive(dir_.fd(), name).value(), Archiving::kMade);
    ASSERT_TRUE(publish_archive(dir_.fd(), name).ok());
  }
  // Text that does not shrink to nothing.
  static std::string lines(std::size_t bytes) {
    std::mt19937_64 random(1);
    std::string all;
    while (all.size() < bytes) all += "line " + std::to_string(random()) + "\n";
    return all;
  }
  // A log in several frames.
  struct Archived {
    std::string path;
    std::string text;
  };
  Archived archived_lines() {
    LogWriter writer = create();
    const std::string all = lines(12'000'000);
    for (std::size_t at = 0; at < all.size(); at += 4000)
      write(writer, std::string_view(all).substr(at, 4000));
    EXPECT_TRUE(writer.end().ok());
    archive("stage.log");
    return {writer.path(), all};
  }
  std::uint64_t read_ = 0;
};

TEST_F(LogEndTest, OfAnArchiveTheLastFramesAreRead) {
  const auto [path, all] = archived_lines();
  LogReader reader = counted(path);
  const std::string end = end_of(reader, 10'000);
  EXPECT_EQ(reader.state(), LogState::kWhole);
  EXPECT_GE(end.size(), 10'000U);
  EXPECT_TRUE(all.ends_with(end));
  EXPECT_LT(read_, 3'000'000U);
  ASSERT_TRUE(reader.cut());
  const bool begins_a_line = all[all.size() - end.size() - 1] == '\n';
  EXPECT_EQ(*reader.cut(), (BetweenLines{begins_a_line, true})) << "nothing came from stderr";
  LogReader whole = counted(path);
  EXPECT_EQ(end_of(whole, 100'000'000), all);
  EXPECT_FALSE(whole.cut());
}

// Nor is a frame opened to see how old it is, when any age will do.
TEST_F(LogEndTest, WhatIsBeforeItMayBeDamaged) {
  const auto [path, all] = archived_lines();
  std::string damaged = content(path);
  for (std::size_t tenths = 2; tenths < 8; ++tenths) damaged[damaged.size() * tenths / 10] ^= 1;
  LogReader reader = open(put("damaged.log", damaged));
  ASSERT_TRUE(reader.skip_to(std::numeric_limits<std::int64_t>::min()).ok());
  EXPECT_TRUE(all.ends_with(end_of(reader, 10'000)));
  EXPECT_EQ(reader.state(), LogState::kWhole);
}

// What a stage that goes on wrote in floods: 100 MB in a file of far less.
TEST_F(LogEndTest, OfALogThatGoesOnHeadersAreReadAndTheEnd) {
  LogWriter writer = create();
  write(writer, "no end", Stream::kStderr);
  const std::string much = lines(250'000);
  for (int i = 0; i < 80; ++i) write(writer, much);
  write(writer, "last words");
  LogReader reader = counted(writer.path());
  const std::string end = end_of(reader, 100'000);
  EXPECT_GE(end.size(), 100'000U);
  EXPECT_LT(end.size(), 1'000'000U);
  EXPECT_TRUE(end.ends_with(much + "last words"));
  EXPECT_EQ(reader.state(), LogState::kOpen);
  EXPECT_LT(read_, 2'000'000U) << "of " << content(writer.path()).size();
  ASSERT_TRUE(reader.cut());
  EXPECT_FALSE(reader.cut()->at(1));
  write(writer, "and more");
  EXPECT_EQ(text(reader), "and more");
}

TEST_F(LogEndTest, WherePackedRecordsAreTinyTheyCountForWhatIsInThem) {
  LogWriter writer = create();
  const std::string much(250'000, '\n');
  for (int i = 0; i < 80; ++i) write(writer, much);
  ASSERT_LT(writer.size(), 400'000U) << "it shrinks well";
  LogReader reader = counted(writer.path());
  EXPECT_LT(end_of(reader, 1'000'000).size(), 3'000'000U);
}

// A stage can write what looks like records; nobody begins in the middle of them.
TEST_F(LogEndTest, ARecordThatAStageWroteIsText) {
  LogWriter writer = create();
  const std::string forged =
      text_of(encode_record_header({RecordKind::kNotice, 6, log_time_now(), {true, true}})) +
      "forged";
  std::string all;
  for (int i = 0; i < 20'000; ++i) all += forged;
  for (std::size_t at = 0; at < all.size(); at += 1000)
    write(writer, std::string_view(all).substr(at, 1000));
  LogReader reader = counted(writer.path());
  ASSERT_TRUE(reader.skip_to_last(1000).ok());
  ASSERT_TRUE(reader.cut());
  for (const std::string& chunk : read(reader)) EXPECT_EQ(chunk.substr(0, 4), "out:");
  const std::string plain = put("plain.log", all);
  LogReader old = counted(plain);
  EXPECT_EQ(end_of(old, 10), all) << "a log without records has no place to begin in";
  EXPECT_FALSE(old.cut());
}

// What follows the damage is kept in the archive, and read no more than before.
TEST_F(LogEndTest, NothingBehindDamageIsTaken) {
  LogWriter writer = create();
  for (int i = 0; i < 1000; ++i) write(writer, lines(2000));
  const std::string good = content(writer.path());
  std::string bad = good + std::string(32, '\0');
  while (bad.size() < 9'000'000) bad.append(good, kHeaderBytes);
  const std::string path = put("bad.log", bad);
  LogReader before = open(path);
  const std::string readable = text(before);
  EXPECT_EQ(before.state(), LogState::kDamaged);
  archive("bad.log");
  for (const std::uint64_t bytes : {1U, 300'000U, 5'000'000U, 50'000'000U}) {
    LogReader reader = counted(path);
    const std::string end = end_of(reader, bytes);
    EXPECT_TRUE(readable.ends_with(end)) << bytes;
    EXPECT_FALSE(end.empty()) << bytes;
    EXPECT_EQ(reader.state(), LogState::kDamaged) << bytes;
  }
}

TEST_F(LogEndTest, OfEveryRecordItIsKnownWhetherStreamsAreBetweenLines) {
  LogWriter writer = create();
  write(writer, "a");
  write(writer, "b\n", Stream::kStderr);
  write(writer, "c\n");
  write(writer, "d", Stream::kStderr);
  ASSERT_TRUE(writer.end().ok());
  const std::string raw = content(writer.path());
  std::vector<BetweenLines> found;
  for (std::size_t at = kHeaderBytes; at < raw.size();) {
    HeaderBytes bytes{};
    std::ranges::copy(std::as_bytes(std::span(raw)).subspan(at, bytes.size()), bytes.begin());
    const auto record = decode_record_header(bytes);
    ASSERT_TRUE(record);
    found.push_back(record->between_lines);
    at += kHeaderBytes + record->length;
  }
  EXPECT_THAT(found, ElementsAre(BetweenLines{true, true}, BetweenLines{false, true},
                                 BetweenLines{false, true}, BetweenLines{true, true},
                                 BetweenLines{true, false}));
}

TEST_F(LogEndTest, ThereAreNeverTooManyMarks) {
  class Endless final : public LogSource {
   public:
    base::Result<std::size_t> read(std::span<std::byte> into, std::uint64_t offset) override {
      constexpr std::uint64_t kEach = kHeaderBytes + kMaxChunk;
      constexpr std::uint64_t kEnd = kHeaderBytes + 6 * kMostMarks * kEach;
      if (offset >= kEnd || (offset - kHeaderBytes) % kEach != 0) return std::size_t{0};
      std::ranges::copy(header_, into.begin());
      return header_.size();
    }
    HeaderBytes header_ = encode_record_header({RecordKind::kStdout, kMaxChunk, {}, {}});
  } source;
  const auto marks = list_marks(source);
  ASSERT_TRUE(marks.ok()) << marks.error().message;
  EXPECT_LT(marks->size(), kMostMarks);
  EXPECT_GT(marks->size(), kMostMarks / 2);
  EXPECT_TRUE(std::ranges::is_sorted(*marks, {}, &LogMark::at));
}

}  // namespace
}  // namespace stagebox::logs
