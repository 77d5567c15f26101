// What a stage writes in floods: every byte, in order, in little room; and what is left of it when
// writing fails.
#include "runtime/logs/log_packer.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <random>

#include "log_fixture.h"

namespace stagebox::logs {
namespace {

class LogPackerTest : public LogTest {
 protected:
  static base::Result<void> append(LogWriter& writer, std::string_view text,
                                   Stream stream = Stream::kStdout) {
    return writer.append(stream, std::as_bytes(std::span(text)));
  }
  static std::string lines(std::size_t bytes) {
    std::string all;
    for (int i = 0; all.size() < bytes; ++i)
      all += "line " + std::to_string(i) + " of a program that has much to say\n";
    return all;
  }
  static std::string noise(std::size_t bytes) {
    std::mt19937_64 random(1);
    std::string all(bytes, '\0');
    for (char& c : all) c = static_cast<char>(random());
    return all;
  }
};

TEST_F(LogPackerTest, KeepsEveryByteInLittleRoom) {
  LogWriter writer = create();
  const std::string text = lines(5'000'000);
  for (std::size_t at = 0; at < text.size(); at += 250'000) {
    ASSERT_TRUE(append(writer, std::string_view(text).substr(at, 250'000)).ok());
    // Of what comes faster than this machine can compress, some is written as it is.
    ASSERT_TRUE(writer.flush().ok());
  }
  ASSERT_TRUE(writer.end().ok());
  EXPECT_LT(writer.size() * 4, text.size());
  EXPECT_EQ(writer.size(), content(writer.path()).size());
  LogReader reader = open(writer.path());
  EXPECT_EQ(LogTest::text(reader), text);
  EXPECT_EQ(reader.state(), LogState::kWhole);
}

TEST_F(LogPackerTest, KeepsWhatCannotBeCompressed) {
  LogWriter writer = create();
  const std::string text = noise(5'000'000);
  for (std::size_t at = 0; at < text.size(); at += 250'000)
    ASSERT_TRUE(append(writer, std::string_view(text).substr(at, 250'000)).ok());
  ASSERT_TRUE(writer.end().ok());
  EXPECT_LT(writer.size(), text.size() + 20'000);
  LogReader reader = open(writer.path());
  EXPECT_EQ(LogTest::text(reader), text);
}

TEST_F(LogPackerTest, KeepsTheOrderOfMuchAndLittle) {
  LogWriter writer = create();
  const std::string much(kMaxChunk + 1, 'x');
  std::string all;
  for (int i = 0; i < 200; ++i) {
    const std::string few = std::to_string(i) + "\n";
    ASSERT_TRUE(append(writer, few, Stream::kStderr).ok());
    ASSERT_TRUE(append(writer, much).ok());
    ASSERT_TRUE(append(writer, few).ok());
    all.append(few).append(much).append(few);
  }
  ASSERT_TRUE(writer.notice("the end").ok());
  LogReader reader = open(writer.path());
  EXPECT_EQ(LogTest::text(reader), all + "the end");
}

// Also when nothing comes after it.
TEST_F(LogPackerTest, TheFileGetsItSoon) {
  LogWriter writer = create();
  const std::string text = lines(kMaxChunk + 1);
  ASSERT_TRUE(append(writer, text).ok());
  LogReader reader = open(writer.path());
  std::string all;
  while (all.size() < text.size()) all += LogTest::text(reader);
  EXPECT_EQ(all, text);
}

TEST_F(LogPackerTest, TakesBytesWhereTheyWerePut) {
  LogWriter writer = create();
  EXPECT_TRUE(writer.room().empty()) << "little came so far";
  std::string all(kMaxChunk + 1, 'x');
  ASSERT_TRUE(append(writer, all).ok());
  for (int i = 0; i < 40; ++i) {
    const auto room = writer.room();
    ASSERT_EQ(room.size(), kMaxChunk);
    const std::string text(i % 3 == 0 ? kMaxChunk : 5000, "abcdefgh"[i % 8]);
    std::ranges::copy(std::as_bytes(std::span(text)), room.begin());
    ASSERT_TRUE(writer.append(Stream::kStdout, room.first(text.size())).ok());
    all += text;
    if (i % 5 != 0) continue;
    ASSERT_FALSE(writer.room().empty());
    ASSERT_TRUE(writer.append(Stream::kStdout, {}).ok()) << "nothing came";
  }
  // Room that was asked for keeps nobody from having what was there before.
  ASSERT_FALSE(writer.room().empty());
  ASSERT_TRUE(writer.end().ok());
  LogReader reader = open(writer.path());
  EXPECT_EQ(LogTest::text(reader), all);
}

// As a full disk does.
TEST_F(LogPackerTest, AnErrorIsSaidAndNothingFollowsIt) {
  LogWriter writer = create();
  write(writer, "before\n");
  struct rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &limit), 0);
  const struct rlimit small{writer.size() + 100'000, limit.rlim_max};
  auto* const old = std::signal(SIGXFSZ, SIG_IGN);
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string much = noise(200'000);
  base::Result<void> written;
  for (int i = 0; i < 100 && written.ok(); ++i) written = append(writer, much);
  const auto flushed = writer.flush();
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &limit), 0);
  (void)std::signal(SIGXFSZ, old);
  ASSERT_FALSE(written.ok());
  EXPECT_EQ(written.error().errno_value, EFBIG);
  EXPECT_NE(written.error().message.find(writer.path()), std::string::npos);
  EXPECT_FALSE(flushed.ok());
  EXPECT_TRUE(writer.room().empty());
  EXPECT_FALSE(append(writer, "after\n").ok()) << "there would be a gap";
  EXPECT_FALSE(writer.end().ok());
  LogReader reader = open(writer.path());
  EXPECT_TRUE(("before\n" + much).starts_with(LogTest::text(reader)));
  EXPECT_EQ(reader.state(), LogState::kOpen);
}

}  // namespace
}  // namespace stagebox::logs
