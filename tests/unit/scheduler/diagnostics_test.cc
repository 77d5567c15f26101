#include "scheduler/diagnostics.h"

#include <gtest/gtest.h>

namespace stagebox::scheduler {
namespace {

TEST(Diagnostics, RendersInTheOrderOfTheFile) {
  Diagnostics diagnostics("a.yaml");
  diagnostics.add({10, 1}, "third");
  diagnostics.add({2, 7}, "second", "do this");
  diagnostics.add({2, 3}, "first");
  diagnostics.add({}, "not in the file");
  EXPECT_EQ(diagnostics.render(),
            "a.yaml: not in the file\n"
            "a.yaml:2:3: first\n"
            "a.yaml:2:7: second; do this\n"
            "a.yaml:10:1: third\n");
}

TEST(Diagnostics, SaysTheSameThingAboutAPlaceOnce) {
  Diagnostics diagnostics("f");
  diagnostics.add({1, 1}, "x");
  diagnostics.add({1, 1}, "x");
  diagnostics.add({1, 2}, "x");
  EXPECT_EQ(diagnostics.size(), 2U);
}

TEST(Diagnostics, LetsNoControlCharacterReachTheTerminal) {
  Diagnostics diagnostics("\x1b]0;f\x07");
  diagnostics.add({1, 1},
                  "\x1b[2J\r\xc2\x9b"
                  "31m\xe2\x80\xae"
                  "end\n",
                  "\x7f");
  const std::string text = diagnostics.render();
  EXPECT_EQ(text, "\\u{1b}]0;f\\u{7}:1:1: \\u{1b}[2J\\u{d}\\u{9b}31m\\u{202e}end\\n; \\u{7f}\n");
}

TEST(Diagnostics, KeepsABoundedNumberOfBoundedMessages) {
  Diagnostics diagnostics("f");
  for (std::size_t i = 1; i <= 5000; ++i) diagnostics.add({i, 1}, std::string(100'000, 'x'));
  EXPECT_EQ(diagnostics.size(), 5000U);
  const std::string text = diagnostics.render();
  EXPECT_LT(text.size(), Diagnostics::kMaxKept * (Diagnostics::kMaxText + 100));
  EXPECT_TRUE(text.ends_with("f: and 4800 more mistakes\n"));
}

TEST(Quoted, CutsAtACharactersBorder) {
  std::string text(79, 'a');
  text += "\u00e4\u00e4";
  EXPECT_EQ(backquoted(text), "`" + std::string(79, 'a') + "...`");
  EXPECT_EQ(backquoted(""), "``");
  EXPECT_EQ(escape_controls("\xe2\x80"), "\\xe2\\x80");
  EXPECT_EQ(escape_controls("a\x9b"), "a\\x9b")
      << "the control that begins sequences, in eight bits";
  EXPECT_EQ(escape_controls("\xc3\xa4\xf0\x9f\x98\x80"), "\xc3\xa4\xf0\x9f\x98\x80");
}

}  // namespace
}  // namespace stagebox::scheduler
