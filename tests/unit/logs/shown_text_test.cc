// Nothing but colours gets to a terminal.
#include "runtime/logs/shown_text.h"

#include <gtest/gtest.h>

namespace stagebox::logs {
namespace {

std::string shown(std::string_view text, Showing showing) {
  std::string out;
  ShownText(showing).append(out, text);
  return out;
}

TEST(ShownText, ColoursStayOnATerminalThatHasThem) {
  const std::string text = "\x1b[1;31mred\x1b[0m plain \x1b[38:5:7mgrey\x1b[m";
  EXPECT_EQ(shown(text, Showing::kColours), text);
  EXPECT_EQ(shown(text, Showing::kText), "red plain grey");
  EXPECT_EQ(shown(text, Showing::kBytes), "red plain grey");
}

TEST(ShownText, AColourEndsWithItsLineAndComesBack) {
  ShownText text(Showing::kColours);
  std::string out;
  text.append(out, "\x1b[31mred");
  text.append(out, "still");
  text.append(out, "\x1b[0mno more");
  text.append(out, "plain");
  EXPECT_EQ(out,
            "\x1b[31mred\x1b[0m"
            "\x1b[31mstill\x1b[0m"
            "\x1b[31m\x1b[0mno more"
            "plain");
}

TEST(ShownText, EndlessColoursAreForgotten) {
  ShownText text(Showing::kColours);
  std::string out;
  for (int i = 0; i < 1000; ++i) text.append(out, "\x1b[38;2;1;2;3m");
  std::string next;
  text.append(next, "x");
  EXPECT_LT(next.size(), 300U);
  std::string last;
  for (int i = 0; i < 1000; ++i) last += "\x1b[1m";
  EXPECT_TRUE(shown(last, Showing::kColours).ends_with("\x1b[0m"));
}

TEST(ShownText, WhatDrivesATerminalIsLeftOut) {
  // NOLINTBEGIN(bugprone-suspicious-missing-comma): a literal is ended where a hexadecimal escape
  // would go on.
  for (const std::string sequence :
       {"\x1b[2J", "\x1b[?1049h", "\x1b[6n", "\x1b[10;20H", "\x1b]0;title\a",
        "\x1b]52;c;aGk=\x1b\\", "\x1bP+q544e\x1b\\", "\x1b^pm\x1b\\", "\x1b_apc\x1b\\",
        "\x1bXsos\x1b\\",
        "\x1b"
        "c",
        "\x1b(0", "\x1b#8", "\x1b[>c", "\x1b[31;1 q", "\x1b[?1m", "\x1b[1!p"}) {
    // NOLINTEND(bugprone-suspicious-missing-comma)
    for (const Showing showing : {Showing::kBytes, Showing::kText, Showing::kColours})
      EXPECT_EQ(shown("a" + sequence + "b", showing), "ab") << sequence.substr(1);
  }
}

TEST(ShownText, WhatHasNoEndHidesNothing) {
  EXPECT_EQ(shown("\x1b]0;the rest", Showing::kBytes), "0;the rest");
  EXPECT_EQ(shown("\x1b[31", Showing::kColours), "31");
  EXPECT_EQ(shown("x\x1b", Showing::kColours), "x");
  EXPECT_EQ(shown("\x1b]0;a\x1b[31mb", Showing::kText), "0;ab");
  EXPECT_EQ(shown("\x1b[" + std::string(100, '1') + "m", Showing::kColours), "");
}

TEST(ShownText, WhatIsNoTextIsShown) {
  std::string text("a\0b", 3);
  text += "\b\r\x7f\tc\xff\x9b";
  text += "d\xc2\x9b";
  text += "e\xe2\x80";
  text += "\xae";  // U+202E, which a literal may not have: it must not mislead.
  text += "f\xc3\xa4";
  const std::string expected = "a\\x00b\\x08\\x0d\\x7f\tc\\xff\\x9bd\\u{9b}e\\u{202e}f\xc3\xa4";
  EXPECT_EQ(shown(text, Showing::kColours), expected);
  EXPECT_EQ(shown(text, Showing::kText), expected);
  EXPECT_EQ(shown(text, Showing::kBytes), text) << "bytes survive where no terminal is";
}

// Whatever is written, on a terminal an ESC begins nothing but a colour.
TEST(ShownText, NothingGetsThrough) {
  std::string text;
  for (unsigned i = 0; i < 60'000; ++i) {
    constexpr std::string_view kPieces = "\x1b\x1b[]m;0;1\\\aP?h\x9b\xc2 ";
    text += kPieces[(i * 2654435761U >> 13) % kPieces.size()];
  }
  const std::string out = shown(text, Showing::kColours);
  for (std::size_t at = out.find('\x1b'); at != std::string::npos; at = out.find('\x1b', at + 1)) {
    const std::size_t end = out.find_first_not_of("0123456789;:", at + 2);
    ASSERT_TRUE(out[at + 1] == '[' && end != std::string::npos && out[end] == 'm') << at;
  }
}

}  // namespace
}  // namespace stagebox::logs
