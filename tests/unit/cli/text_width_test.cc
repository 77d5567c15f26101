#include "runtime/cli/text_width.h"

#include <gtest/gtest.h>

namespace stagebox::cli {
namespace {

TEST(TextWidth, WideCharactersTakeTwoColumnsAndColoursNone) {
  EXPECT_EQ(columns_of(""), 0U);
  EXPECT_EQ(columns_of("abc"), 3U);
  EXPECT_EQ(columns_of("\xc3\xa4"), 1U);
  EXPECT_EQ(columns_of("\xe6\x96\x87\xe5\xad\x97"), 4U) << "ideographs";
  EXPECT_EQ(columns_of("\xf0\x9f\x9a\x80!"), 3U) << "a picture";
  EXPECT_EQ(columns_of("\xe2\x94\x80\xe2\x96\x88"), 2U) << "boxes and blocks of progress displays";
  EXPECT_EQ(columns_of("\x1b[1;31mred\x1b[0m"), 3U);
  EXPECT_EQ(columns_of("\x1b[1;31"), 0U);
  EXPECT_EQ(columns_of("\xff\xfe"), 2U);
}

TEST(TextWidth, TextIsCutWhereItWouldBeTooWide) {
  const std::string wide = "\xe6\x96\x87\xe5\xad\x97\xe6\x96\x87";
  EXPECT_EQ(fit(wide, 6), wide);
  EXPECT_EQ(fit(wide, 5), "\xe6\x96\x87\xe5\xad\x97\xe2\x80\xa6");
  EXPECT_EQ(fit(wide, 4), "\xe6\x96\x87\xe2\x80\xa6");
  EXPECT_EQ(fit(wide, 1), "\xe2\x80\xa6");
  EXPECT_EQ(fit(wide, 0), "");
  EXPECT_EQ(fit("\x1b[31mred\x1b[0m", 3), "\x1b[31mred\x1b[0m");
  EXPECT_EQ(fit("\x1b[31mreddish\x1b[0m", 4), "\x1b[31mred\xe2\x80\xa6\x1b[0m");
  EXPECT_EQ(fit("a\tb", 9), "a\xe2\x80\xa6") << "a tab may take eight";
  for (std::size_t columns = 1; columns < 8; ++columns)
    EXPECT_LE(columns_of(fit("a" + wide, columns)), columns);
}

}  // namespace
}  // namespace stagebox::cli
