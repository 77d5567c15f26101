// The end of a log, with bounds.
#include "runtime/report/log_excerpt.h"

#include <gmock/gmock.h>

#include <span>

#include "runtime/logs/log_writer.h"
#include "tests/support/temp_dir.h"

namespace stagebox::report {
namespace {

using logs::LogWriter;
using logs::RecordKind;
using logs::Stream;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr std::size_t kRoom = 1 << 20;

struct LogExcerptTest : ::testing::Test {
  void write(std::string_view text, Stream stream = Stream::kStdout) {
    ASSERT_TRUE(log.append(stream, std::as_bytes(std::span(text))).ok());
    ASSERT_TRUE(log.flush().ok());
  }
  LogExcerpt excerpt(std::size_t room = kRoom) {
    auto read = excerpt_of(log.path(), room);
    EXPECT_TRUE(read.ok());
    return read.ok() ? std::move(*read) : LogExcerpt{};
  }
  static std::vector<std::string> texts(const LogExcerpt& excerpt) {
    std::vector<std::string> found;
    for (const LogLine& line : excerpt.lines) found.push_back(line.text);
    return found;
  }

  stagebox::testing::TempDir dir;
  LogWriter log = LogWriter::create(dir.fd(), "stage", dir.path()).value();
};

TEST_F(LogExcerptTest, ALineIsWhatOneStreamWroteUpToALineBreak) {
  write("one\ntw");
  write("error", Stream::kStderr);
  write("o\n\n");
  write("s\nopen", Stream::kStderr);
  ASSERT_TRUE(log.notice("a remark").ok());
  const LogExcerpt read = excerpt();
  EXPECT_THAT(texts(read), ElementsAre("one", "two", "", "errors", "a remark", "open"));
  EXPECT_EQ(read.lines[1].kind, RecordKind::kStdout);
  EXPECT_EQ(read.lines[3].kind, RecordKind::kStderr);
  EXPECT_EQ(read.lines[4].kind, RecordKind::kNotice);
  EXPECT_TRUE(read.lines[0].wall_ms.has_value());
  EXPECT_EQ(read.left_out, 0U);
}

TEST_F(LogExcerptTest, TheLastLinesAreKeptAndTheOthersCounted) {
  for (int i = 0; i < 1000; ++i) write("line " + std::to_string(i) + "\n");
  const LogExcerpt read = excerpt(3 * (kLineCost + 8));
  EXPECT_THAT(texts(read), ElementsAre("line 997", "line 998", "line 999"));
  EXPECT_EQ(read.left_out, 997U);
  EXPECT_EQ(cost_of(read), 3 * (kLineCost + 8));
  EXPECT_THAT(excerpt(0).lines, IsEmpty());
  EXPECT_EQ(excerpt(0).left_out, 1000U);
}

TEST_F(LogExcerptTest, ALongLineIsCutAndItsRestCounted) {
  const std::string piece(logs::kMaxChunk, 'x');
  for (int i = 0; i < 3; ++i) write(piece);
  write("\nend\n");
  const LogExcerpt read = excerpt();
  ASSERT_EQ(read.lines.size(), 2U);
  EXPECT_EQ(read.lines[0].text, std::string(kLongestLine, 'x'));
  EXPECT_EQ(read.lines[0].cut, 3 * logs::kMaxChunk - kLongestLine);
  EXPECT_EQ(read.lines[1].text, "end");
}

TEST_F(LogExcerptTest, AManyEmptyLinesTakeRoomToo) {
  write(std::string(100000, '\n'));
  EXPECT_EQ(excerpt(10 * kLineCost).lines.size(), 10U);
}

TEST_F(LogExcerptTest, AFileThatIsNotThereIsAnError) {
  EXPECT_FALSE(excerpt_of(dir.path("none"), kRoom).ok());
}

}  // namespace
}  // namespace stagebox::report
