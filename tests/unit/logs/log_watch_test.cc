#include "runtime/logs/log_watch.h"

#include <gmock/gmock.h>

namespace stagebox::logs {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

struct LogWatchTest : ::testing::Test {
  void out(std::string_view text) { watch.add(Stream::kStdout, std::as_bytes(std::span(text))); }
  void err(std::string_view text) { watch.add(Stream::kStderr, std::as_bytes(std::span(text))); }
  std::vector<std::string> messages() {
    watch.finish();
    std::vector<std::string> messages;
    for (const Annotation& one : watch.annotations().list()) messages.push_back(one.message);
    return messages;
  }
  LogWatch watch;
};

TEST_F(LogWatchTest, TheLastLineThatSaysSomething) {
  EXPECT_EQ(watch.last_line(), "");
  out("one\ntwo\n\n  \r\n");
  EXPECT_EQ(watch.last_line(), "two");
  out("three");
  EXPECT_EQ(watch.last_line(), "three") << "it is not complete";
  out(" and more\n");
  EXPECT_EQ(watch.last_line(), "three and more");
  err("fail");
  EXPECT_EQ(watch.last_line(), "fail") << "the stream that wrote last";
  err("ed\n");
  out("four\n");
  EXPECT_EQ(watch.last_line(), "four");
  out(" 10%\r 50%\r 99%\r");
  EXPECT_EQ(watch.last_line(), " 99%");
}

TEST_F(LogWatchTest, NothingInItDrivesATerminal) {
  out("a\x1b]0;title\x07"
      "b\x1b[2J\x1b[31mc\x08\x9b"
      "d\te\xe2\x80\xae"
      "f\x7f\n");
  const std::string line = watch.last_line();
  for (const char c : line) {
    EXPECT_GE(static_cast<unsigned char>(c), 0x20U);
    EXPECT_NE(c, '\x7f');
  }
  EXPECT_EQ(line, "abc\\x08\\x9bd e\\u{202e}f\\x7f");
}

TEST_F(LogWatchTest, ALongLineIsKnownByItsEnd) {
  for (int i = 0; i < 1000; ++i) out(std::string(1000, 'x'));
  out("end");
  EXPECT_THAT(watch.last_line().size(),
              ::testing::AllOf(::testing::Gt(100U), ::testing::Le(2 * LogWatch::kLongestLast)));
  EXPECT_TRUE(watch.last_line().ends_with("xend"));
  out("\nshort\n");
  EXPECT_EQ(watch.last_line(), "short");
}

TEST_F(LogWatchTest, AnnotationsHoweverTheyAreWritten) {
  out("text\n::error::one\nno ::error::of it\n  ::warning::two\r\n:");
  err("::error::thr");
  out(":notice::f");
  err("ee\n::err");
  out("our\nx\n::error::five");
  EXPECT_THAT(messages(), ElementsAre("one", "two", "three", "four", "five"));
  EXPECT_EQ(watch.annotations().list()[3].level, Annotation::Level::kNotice);
}

TEST_F(LogWatchTest, ALineThatIsTooLongIsNoCommand) {
  out("::error::");
  for (int i = 0; i < 100; ++i) out(std::string(1000, 'x'));
  out("\n::error::next\n");
  out(std::string(kLongestCommand * 2, ' '));
  out("::error::behind blanks\n");
  EXPECT_THAT(messages(), ElementsAre("next"));
}

}  // namespace
}  // namespace stagebox::logs
