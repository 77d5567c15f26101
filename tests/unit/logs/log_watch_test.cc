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

// However the text is cut, and wherever in a block of the search a mark stands.
TEST_F(LogWatchTest, AnnotationsHoweverTheTextIsCut) {
  std::string text;
  for (std::size_t i = 0; i < 150; ++i) {
    text += std::string(i % 67, i % 3 == 0 ? ':' : 'x') + "\n";
    text +=
        std::string(i % 5, ' ') + "::error::" + std::to_string(i) + (i % 2 == 0 ? "\r\n" : "\n");
    text += std::string(i + 1, 'a') + "::error::no\n: :error::no\n\n";
  }
  for (std::size_t size = 1; size < 300; size += size < 130 ? 1 : 37) {
    LogWatch one(LastLine::kUnneeded);
    for (std::size_t at = 0; at < text.size(); at += size)
      one.add(Stream::kStdout,
              std::as_bytes(std::span(text).subspan(at).first(std::min(size, text.size() - at))));
    one.finish();
    ASSERT_EQ(one.annotations().list().size(), 150U) << size;
    for (std::size_t i = 0; i < 150; ++i)
      ASSERT_EQ(one.annotations().list()[i].message, std::to_string(i)) << size;
  }
}

TEST_F(LogWatchTest, WhatIsHeldBackIsSeenToBe) {
  out("don");
  watch.set_held_back(Stream::kStdout, true);
  EXPECT_EQ(watch.last_line(), "don\u2026");
  watch.set_held_back(Stream::kStderr, true);
  watch.set_held_back(Stream::kStdout, false);
  EXPECT_EQ(watch.last_line(), "don") << "the other stream holds something back";
  out("e\n");
  watch.set_held_back(Stream::kStdout, true);
  EXPECT_EQ(watch.last_line(), "done") << "it is of the next line, of which nothing is known";
  err("x");
  EXPECT_EQ(watch.last_line(), "x\u2026");
  watch.finish();
  EXPECT_EQ(watch.last_line(), "x");
}

TEST_F(LogWatchTest, WithoutSomebodyWhoLooksNoLineIsKept) {
  LogWatch unwatched(LastLine::kUnneeded);
  unwatched.add(Stream::kStdout, std::as_bytes(std::span(std::string_view("::error::one\ntwo"))));
  unwatched.set_held_back(Stream::kStdout, true);
  EXPECT_EQ(unwatched.last_line(), "");
  unwatched.finish();
  EXPECT_THAT(unwatched.annotations().list(), SizeIs(1));
}

}  // namespace
}  // namespace stagebox::logs
