// Several logs as one.
#include "runtime/logs/log_feed.h"

#include <gmock/gmock.h>

#include "log_fixture.h"
#include "runtime/logs/log_archive.h"

namespace stagebox::logs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class LogFeedTest : public LogTest {
 protected:
  static std::vector<std::string> all(LogFeed& feed) {
    std::vector<std::string> texts;
    for (;;) {
      const auto item = feed.next();
      EXPECT_TRUE(item.ok()) << item.error().message;
      if (!item.ok() || !*item) return texts;
      const std::string& name = feed.log((*item)->log).name;
      texts.push_back(name + ":" + ((*item)->chunk ? text_of((*item)->chunk->bytes) : "END"));
    }
  }
  static std::int64_t now() { return log_time_now().wall; }
};

TEST_F(LogFeedTest, ChunksComeInTheOrderOfTime) {
  LogFeed feed;
  const std::int64_t first = now();
  LogWriter a = create("a");
  LogWriter b = create("b");
  write(a, "1");
  write(b, "2");
  write(b, "3", Stream::kStderr);
  write(a, "4");
  ASSERT_TRUE(b.end().ok());
  const std::int64_t later = now();
  LogWriter c = create("c");
  write(c, "5");
  write(a, "6");
  ASSERT_TRUE(a.end().ok());
  feed.add({"c", c.path(), later});
  feed.add({"b", b.path(), first});
  feed.add({"a", a.path(), first});
  EXPECT_THAT(all(feed), ElementsAre("a:1", "b:2", "b:3", "b:END", "a:4", "c:5", "a:6", "a:END"));
  EXPECT_FALSE(feed.is_over());
  write(c, "7");
  EXPECT_THAT(all(feed), ElementsAre("c:7"));
  ASSERT_TRUE(c.end().ok());
  EXPECT_THAT(all(feed), ElementsAre("c:END"));
  EXPECT_TRUE(feed.is_over());
  EXPECT_THAT(all(feed), IsEmpty());
}

TEST_F(LogFeedTest, CanBeginAgainWithTheEnds) {
  LogFeed feed;
  LogWriter a = create("a");
  LogWriter b = create("b");
  for (int i = 0; i < 1000; ++i) write(a, std::string(1000, 'x') + "\n");
  write(a, "last");
  write(b, "1");
  feed.add({"a", a.path(), 0});
  feed.add({"b", b.path(), 0});
  EXPECT_EQ(all(feed).size(), 1002U);
  feed.restart(1000);
  const std::vector<std::string> end = all(feed);
  EXPECT_LT(end.size(), 600U);
  EXPECT_EQ(end[end.size() - 2], "a:last");
  EXPECT_EQ(end.back(), "b:1");
  EXPECT_EQ(feed.cut(0), (BetweenLines{true, true}));
  EXPECT_FALSE(feed.cut(1));
  feed.read_new_logs_whole();
  feed.add({"again", a.path(), 0});
  EXPECT_EQ(all(feed).size(), 1001U);
  feed.restart(std::nullopt);
  EXPECT_EQ(all(feed).size(), 2003U);
  EXPECT_FALSE(feed.cut(0));
}

TEST_F(LogFeedTest, WhatIsOfAnotherRunStandsWhereItWasTaken) {
  LogWriter old = create("old");
  write(old, "old");
  ASSERT_TRUE(old.end().ok());
  const std::int64_t begin = now();
  LogWriter a = create("a");
  write(a, "1");
  ASSERT_TRUE(a.end().ok());
  LogFeed feed(begin);
  feed.add({"old", old.path(), now(), true});
  feed.add({"a", a.path(), begin});
  EXPECT_THAT(all(feed), ElementsAre("a:1", "a:END", "old:old", "old:END"));
}

TEST_F(LogFeedTest, SkipsWhatIsTooOldInACompressedLog) {
  LogWriter a = create("a");
  const std::string block(kMaxChunk, 'x');
  for (int i = 0; i < 40; ++i) write(a, block);
  const std::int64_t middle = now();
  for (int i = 0; i < 40; ++i) write(a, std::string(kMaxChunk, 'y'));
  ASSERT_TRUE(a.end().ok());
  ASSERT_EQ(make_archive(dir_.fd(), "a.log").value(), Archiving::kMade);
  ASSERT_TRUE(publish_archive(dir_.fd(), "a.log").ok());
  LogFeed feed(middle);
  feed.add({"a", a.path(), 0});
  std::size_t too_old = 0;
  std::size_t wanted = 0;
  for (const std::string& text : all(feed)) ++(text.starts_with("a:x") ? too_old : wanted);
  EXPECT_EQ(wanted, 41U);
  EXPECT_LT(too_old, 20U);
}

TEST_F(LogFeedTest, AMissingLogIsAnError) {
  LogFeed feed;
  feed.add({"gone", dir_.path() + "/gone.log", 0});
  EXPECT_FALSE(feed.next().ok());
}

}  // namespace
}  // namespace stagebox::logs
