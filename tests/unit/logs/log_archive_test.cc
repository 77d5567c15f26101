// Compressed logs: the same bytes, in any order of reading, and never instead of a log that is
// better.
#include "runtime/logs/log_archive.h"

#include <gmock/gmock.h>

#include "log_fixture.h"

namespace stagebox::logs {
namespace {

using ::testing::ElementsAre;

class LogArchiveTest : public LogTest {
 protected:
  std::string many_lines(LogWriter& writer, int lines) {
    std::string all;
    for (int i = 0; i < lines; ++i) {
      const std::string line =
          "line " + std::to_string(i) + " " + std::string(900, "abcdefgh"[i % 8]);
      write(writer, line, i % 3 == 0 ? Stream::kStderr : Stream::kStdout);
      all += line;
    }
    return all;
  }
  void archive(const std::string& name) {
    const auto made = make_archive(dir_.fd(), name);
    ASSERT_TRUE(made.ok()) << made.error().message;
    ASSERT_EQ(*made, Archiving::kMade);
    ASSERT_TRUE(publish_archive(dir_.fd(), name).ok());
  }
};

TEST_F(LogArchiveTest, HasTheSameBytes) {
  LogWriter writer = create();
  const std::string all = many_lines(writer, 5000);
  ASSERT_TRUE(writer.end().ok());
  LogReader before = open(writer.path());
  const std::string raw = content(writer.path());
  archive("stage.log");
  const std::string compressed = content(writer.path());
  EXPECT_LT(compressed.size() * 4, raw.size());
  EXPECT_EQ(compressed.substr(0, 4), "\x28\xb5\x2f\xfd");
  LogReader after = open(writer.path());
  EXPECT_EQ(text(after), all);
  EXPECT_EQ(after.state(), LogState::kWhole);
  EXPECT_EQ(text(before), all) << "whoever has the log open goes on reading it";
  EXPECT_FALSE(base::stat_at(dir_.fd(), "stage.log.part").ok());
}

TEST_F(LogArchiveTest, CanBeReadFromAnywhere) {
  LogWriter writer = create();
  many_lines(writer, 3000);
  const std::string raw = content(writer.path());
  archive("stage.log");
  const auto source =
      open_source(base::open_path(writer.path(), O_RDONLY).value(), writer.path()).value();
  for (const std::size_t offset :
       {raw.size() - 1, std::size_t{0}, raw.size() / 2, raw.size() / 3}) {
    std::array<std::byte, 1000> some{};
    const std::size_t got = source->read(some, offset).value();
    ASSERT_GT(got, 0U);
    EXPECT_EQ(text_of(std::span(some).first(got)), raw.substr(offset, got));
  }
  std::array<std::byte, 10> none{};
  EXPECT_EQ(source->read(none, raw.size()).value(), 0U);
  EXPECT_EQ(source->read(none, ~std::uint64_t{0}).value(), 0U);
}

// So that whoever looks for a moment can begin in the middle.
TEST_F(LogArchiveTest, EveryFrameBeginsWithARecord) {
  LogWriter writer = create();
  many_lines(writer, 3000);
  for (int i = 0; i < 3; ++i) write(writer, std::string(kMaxChunk, 'x'));
  many_lines(writer, 3000);
  const std::string raw = content(writer.path());
  archive("stage.log");
  const auto source =
      open_source(base::open_path(writer.path(), O_RDONLY).value(), writer.path()).value();
  const auto entries = source->entries();
  EXPECT_EQ(entries.size(), raw.size() / (1U << 20U)) << "of about a MiB each";
  for (const std::uint64_t offset : entries) {
    HeaderBytes bytes{};
    ASSERT_EQ(source->read(bytes, offset).value(), bytes.size());
    EXPECT_TRUE(decode_record_header(bytes)) << offset;
  }
}

// What the writer compressed is taken as it is, between what it did not.
TEST_F(LogArchiveTest, TakesPackedRecordsAsTheyAre) {
  LogWriter writer = create();
  std::string all = many_lines(writer, 3000);
  for (int i = 0; i < 20; ++i) {
    const std::string much(250'000, "abcdefgh"[i % 8]);
    write(writer, much, i % 2 == 0 ? Stream::kStderr : Stream::kStdout);
    all += much;
  }
  all += many_lines(writer, 10);
  ASSERT_TRUE(writer.end().ok());
  LogReader before = open(writer.path());
  EXPECT_EQ(text(before), all);
  EXPECT_LT(writer.size(), 3'000'000U);
  archive("stage.log");
  const auto source =
      open_source(base::open_path(writer.path(), O_RDONLY).value(), writer.path()).value();
  for (const std::uint64_t offset : source->entries()) {
    HeaderBytes bytes{};
    ASSERT_EQ(source->read(bytes, offset).value(), bytes.size());
    const auto record = decode_record_header(bytes);
    ASSERT_TRUE(record) << offset;
    EXPECT_NE(record->kind, RecordKind::kPacked);
  }
  EXPECT_GT(source->entries().size(), 20U);
  LogReader after = open(writer.path());
  EXPECT_EQ(text(after), all);
  EXPECT_EQ(after.state(), LogState::kWhole);
}

TEST_F(LogArchiveTest, WhatIsSmallStaysAsItIs) {
  LogWriter writer = create();
  write(writer, "few words");
  EXPECT_EQ(make_archive(dir_.fd(), "stage.log").value(), Archiving::kNotNeeded);
  many_lines(writer, 20);
  archive("stage.log");
  EXPECT_EQ(make_archive(dir_.fd(), "stage.log").value(), Archiving::kNotNeeded);
}

TEST_F(LogArchiveTest, NobodysHalfMadeArchiveIsTaken) {
  LogWriter writer = create();
  const std::string all = many_lines(writer, 20);
  put("stage.log.part", "half");
  EXPECT_FALSE(make_archive(dir_.fd(), "stage.log").ok());
  drop_archive(dir_.fd(), "stage.log");
  EXPECT_EQ(make_archive(dir_.fd(), "stage.log").value(), Archiving::kMade);
  LogReader reader = open(writer.path());
  EXPECT_EQ(text(reader), all) << "not published yet";
}

TEST_F(LogArchiveTest, BrokenOffDamagedAndPlainLogsKeepEveryByte) {
  LogWriter writer = create();
  many_lines(writer, 20);
  const std::string broken = content(writer.path()) + std::string(3'000'000, '\0');
  const std::string plain(2'000'000, 'p');
  const std::size_t lines = writer.size();
  write(writer, std::string(kMaxChunk + 1, 'q'));
  // The last byte may be a record of its own.
  std::string packed = content(writer.path());
  HeaderBytes header{};
  std::ranges::copy(std::as_bytes(std::span(packed)).subspan(lines, header.size()), header.begin());
  const auto record = decode_record_header(header);
  ASSERT_TRUE(record && record->kind == RecordKind::kPacked);
  packed = packed.substr(0, lines + header.size() + record->length) + std::string(1000, 'r');
  char& of_its_check = packed[packed.size() - 1001];
  of_its_check = static_cast<char>(of_its_check ^ 1);
  for (const auto& [name, bytes] :
       {std::pair("broken.log", &broken), std::pair("plain.log", &plain),
        std::pair("packed.log", &std::as_const(packed))}) {
    const std::string path = put(name, *bytes);
    archive(name);
    const auto source = open_source(base::open_path(path, O_RDONLY).value(), path).value();
    std::string all;
    std::vector<std::byte> some(100'000);
    while (const std::size_t got = source->read(some, all.size()).value())
      all += text_of(std::span(some).first(got));
    EXPECT_TRUE(all == *bytes) << name << ": " << all.size() << " of " << bytes->size();
  }
}

TEST_F(LogArchiveTest, DamageIsSaid) {
  LogWriter writer = create();
  many_lines(writer, 3000);
  archive("stage.log");
  const std::string good = content(writer.path());
  for (const std::size_t at : {std::size_t{100}, good.size() / 2, good.size() - 20}) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ 1);
    auto reader = LogReader::open(put("bad.log", bad));
    base::Result<void> failed;
    while (reader.ok() && failed.ok()) {
      auto chunk = reader->next();
      if (!chunk.ok()) failed = chunk.error();
      if (chunk.ok() && !*chunk) break;
    }
    ASSERT_TRUE(!reader.ok() || !failed.ok()) << at;
    const base::Error& error = reader.ok() ? failed.error() : reader.error();
    EXPECT_EQ(error.kind, base::ErrorKind::kCorrupt);
    EXPECT_NE(error.message.find("damaged"), std::string::npos);
  }
}

// A stage of an earlier version may have written a compressed file to its plain log.
TEST_F(LogArchiveTest, APlainLogThatBeginsAsAnArchiveIsPlain) {
  const std::string bytes = "\x28\xb5\x2f\xfd and so on";
  LogReader reader = open(put("old.log", bytes));
  EXPECT_THAT(read(reader), ElementsAre("out:" + bytes));
}

}  // namespace
}  // namespace stagebox::logs
