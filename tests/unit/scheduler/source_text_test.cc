#include "scheduler/yaml/source_text.h"

#include <gtest/gtest.h>

namespace stagebox::scheduler {
namespace {

TEST(FindBadCharacter, AcceptsText) {
  EXPECT_FALSE(find_bad_character("a\tb\nc\r\nd \u00e4\u20ac\U0001F600"));
  EXPECT_FALSE(find_bad_character(""));
}

TEST(FindBadCharacter, RefusesWhatIsNotUtf8) {
  for (const char* bad : {"ab\xff", "ab\xc3", "ab\xc0\xaf", "ab\xed\xa0\x80", "ab\xf4\x90\x80\x80",
                          "ab\x80", "ab\xe2\x82", "ab\xc3\x28", "ab\xe0\x80\xaf"}) {
    const auto found = find_bad_character(bad);
    ASSERT_TRUE(found) << bad;
    EXPECT_EQ(found->offset, 2U) << bad;
    EXPECT_NE(found->message.find("UTF-8"), std::string::npos);
  }
  EXPECT_NE(find_bad_character("\xff\xfe"
                               "a")
                ->message.find("UTF-16"),
            std::string::npos);
}

TEST(FindBadCharacter, RefusesInvisibleCharactersAndOddLineEnds) {
  for (const std::string_view bad :
       {std::string_view("\0", 1), std::string_view("\x1b"), std::string_view("\x7f"),
        std::string_view("\xc2\x9b"), std::string_view("\r"), std::string_view("\xc2\x85"),
        std::string_view("\xe2\x80\xa8"), std::string_view("\xef\xbb\xbf")}) {
    EXPECT_TRUE(find_bad_character(bad));
  }
}

TEST(SourceText, CountsCharactersNotBytes) {
  const SourceText text("a\n\u00e4\u00f6x\r\n");
  EXPECT_EQ(text.lines(), 3U);
  EXPECT_EQ(text.line(2), "\u00e4\u00f6x");
  EXPECT_EQ(text.line(3), "");
  EXPECT_EQ(text.line(4), "");
  EXPECT_EQ(text.position_of(6), (Position{2, 3}));
  EXPECT_EQ(text.byte_at({2, 3}), 'x');
  EXPECT_EQ(text.byte_at({2, 9}), 0);
  EXPECT_EQ(text.clamp({2, 99}), (Position{2, 4}));
  EXPECT_EQ(text.clamp({99, 99}), (Position{3, 1}));
  EXPECT_EQ(text.clamp({0, 0}), (Position{1, 1}));
}

}  // namespace
}  // namespace stagebox::scheduler
