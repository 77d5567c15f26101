// What a stage wrote, and what is left of it when writing fails.
#include "runtime/logs/log_writer.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>

#include "log_fixture.h"

namespace stagebox::logs {
namespace {

using ::testing::ElementsAre;

using LogWriterTest = LogTest;

TEST_F(LogWriterTest, KeepsStreamsAndTimes) {
  LogWriter writer = create();
  const LogTime before = log_time_now();
  write(writer, "one\n");
  write(writer, std::string("\0\xff\x1b[31m", 7), Stream::kStderr);
  ASSERT_TRUE(writer.notice("of ours").ok());
  ASSERT_TRUE(writer.end().ok());
  const LogTime after = log_time_now();
  LogReader reader = open(writer.path());
  auto chunk = reader.next();
  ASSERT_TRUE(chunk.ok() && *chunk && (*chunk)->time);
  EXPECT_GE((*chunk)->time->monotonic, before.monotonic);
  EXPECT_LE((*chunk)->time->monotonic, after.monotonic);
  EXPECT_GE((*chunk)->time->wall, before.wall);
  EXPECT_LE((*chunk)->time->wall, after.wall);
  EXPECT_THAT(read(reader), ElementsAre("err:" + std::string("\0\xff\x1b[31m", 7), "note:of ours"));
  EXPECT_EQ(reader.state(), LogState::kWhole);
}

TEST_F(LogWriterTest, EachAttemptHasAFileOfItsOwn) {
  EXPECT_EQ(create("a").stem(), "a");
  const LogWriter second = create("a");
  EXPECT_EQ(second.stem(), "a.2");
  EXPECT_EQ(second.path(), dir_.path() + "/a.2.log");
  EXPECT_EQ(create("a").stem(), "a.3");
}

TEST_F(LogWriterTest, NeverFollowsALink) {
  ASSERT_EQ(::symlink("target", (dir_.path() + "/a.log").c_str()), 0);
  EXPECT_EQ(create("a").stem(), "a.2");
  EXPECT_FALSE(base::stat_at(dir_.fd(), "target").ok());
}

TEST_F(LogWriterTest, WhatIsLargerThanAChunkIsCut) {
  LogWriter writer = create();
  const std::string large(3 * kMaxChunk + 1, 'x');
  write(writer, large);
  LogReader reader = open(writer.path());
  std::string all;
  for (const std::string& chunk : read(reader)) {
    EXPECT_LE(chunk.size(), kMaxChunk + 4);
    all += chunk.substr(4);
  }
  EXPECT_EQ(all, large);
}

TEST_F(LogWriterTest, TailHasTheLastLines) {
  LogWriter writer = create();
  EXPECT_TRUE(writer.tail().empty());
  write(writer, "a");
  write(writer, "c\n", Stream::kStderr);
  write(writer, "b\n");
  ASSERT_TRUE(writer.notice("of ours").ok());
  ASSERT_EQ(writer.tail().size(), 2U);
  EXPECT_EQ(writer.tail()[0].text, "c");
  EXPECT_EQ(writer.tail()[1].text, "ab");
  std::string lines;
  for (int i = 0; i < 40000; ++i) lines += std::to_string(i) + "\n";
  write(writer, lines);
  ASSERT_EQ(writer.tail().size(), LastLines::kMost);
  EXPECT_EQ(writer.tail().back().text, "39999");
}

// As a full disk does: part of a record is written, then there is an error.
TEST_F(LogWriterTest, HalfARecordIsTakenBack) {
  LogWriter writer = create();
  write(writer, "before\n");
  struct rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const struct rlimit small{writer.size() + 40, limit.rlim_max};
  auto* const old = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string text(100, 'z');
  const auto written = writer.append(Stream::kStdout, std::as_bytes(std::span(text)));
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  (void)std::signal(SIGXFSZ, old);
  ASSERT_FALSE(written.ok());
  EXPECT_NE(written.error().message.find(writer.path()), std::string::npos);
  write(writer, "after\n");
  LogReader reader = open(writer.path());
  EXPECT_THAT(read(reader), ElementsAre("out:before\n", "out:after\n"));
}

}  // namespace
}  // namespace stagebox::logs
