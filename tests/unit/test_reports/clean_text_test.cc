#include "runtime/test_reports/clean_text.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/base/printable.h"
#include "runtime/base/utf8.h"

namespace stagebox::test_reports {
namespace {

TEST(CleanText, KeepsWhatCanBeShown) {
  EXPECT_EQ(clean_text("a\tb\r\nc\xc3\xa4"), "a\tb\nc\xc3\xa4");
  EXPECT_EQ(clean_text("\x1b[1;31mred\x1b[0m"), "red");
  EXPECT_EQ(clean_text("\x1b]0;title\x07"), "\xef\xbf\xbd]0;title\xef\xbf\xbd");
  EXPECT_EQ(clean_text("\xc2\x9b"
                       "1m"),
            "\xef\xbf\xbd"
            "1m");
  EXPECT_EQ(clean_text("a\rb"),
            "a\xef\xbf\xbd"
            "b");
}

TEST(CleanText, CutsBetweenCharacters) {
  EXPECT_EQ(base::cut_end("a\xc3\xa4", 2), "a");
  EXPECT_EQ(base::cut_end("a\xc3\xa4", 3), "a\xc3\xa4");
  EXPECT_EQ(base::cut_end("\xf0\x9f\x98\x80", 3), "");
}

TEST(CleanText, Lines) {
  EXPECT_EQ(one_line("  a\n\tb  "), "a  b");
  EXPECT_EQ(one_line(" \n"), "");
  EXPECT_EQ(first_line("\n\n  a b\nc"), "a b");
  EXPECT_EQ(first_line(""), "");
}

// However the text is cut into pieces, and wherever characters lie.
TEST(BoundedText, KeepsBothEnds) {
  std::string text = "begin";
  for (int i = 0; i < 1000; ++i) text += "\xc3\xa4";
  text += "end";
  for (const std::size_t piece : {1U, 7U, 100U, 5000U}) {
    BoundedText bounded(300);
    for (std::size_t at = 0; at < text.size(); at += piece)
      bounded.append(std::string_view(text).substr(at, piece));
    const std::string kept = bounded.str();
    EXPECT_LE(kept.size(), 300U);
    EXPECT_TRUE(kept.starts_with("begin"));
    EXPECT_TRUE(kept.ends_with("end"));
    EXPECT_TRUE(base::is_utf8(kept));
    const std::size_t note = kept.find("[... ");
    ASSERT_NE(note, std::string::npos);
    const std::size_t missing = std::stoul(kept.substr(note + 5));
    const std::size_t note_size = kept.find("...]\n") + 5 - note + 1;
    EXPECT_EQ(kept.size() - note_size + missing, text.size());
  }
}

TEST(BoundedText, ShortTextsStayWhole) {
  BoundedText bounded(300);
  bounded.append(std::string(150, 'a'));
  bounded.append(std::string(150, 'b'));
  EXPECT_EQ(bounded.str(), std::string(150, 'a') + std::string(150, 'b'));
  bounded.clear();
  EXPECT_TRUE(bounded.empty());
}

}  // namespace
}  // namespace stagebox::test_reports
