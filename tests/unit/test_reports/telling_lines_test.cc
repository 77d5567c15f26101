#include "runtime/test_reports/telling_lines.h"

#include <gtest/gtest.h>

namespace stagebox::test_reports {
namespace {

TEST(TellingLines, AreTheFirstThatSayAnything) {
  EXPECT_EQ(telling_lines(""), "");
  EXPECT_EQ(telling_lines(" \n\t\n"), "");
  EXPECT_EQ(telling_lines("\n  one \n\n\ttwo"), "one\ntwo");
  EXPECT_EQ(telling_lines("1\n2\n3\n4\n5\n"), "1\n2\n3\n4");
}

TEST(TellingLines, EndWhereAStackTraceBegins) {
  EXPECT_EQ(telling_lines("Error: no\n    at f (a.js:1:2)\nmore"), "Error: no");
  EXPECT_EQ(telling_lines("panic: no\n\ngoroutine 1 [running]:\nmain.main()"), "panic: no");
  EXPECT_EQ(telling_lines("attached\nat last"), "attached");
}

TEST(TellingLines, AreThoseThatAreMarkedIfThereAreAny) {
  EXPECT_EQ(telling_lines("def f():\n>   assert a\nE   assert 1\nE    +  where\nE\nE   \nx"),
            "assert 1\n+  where");
  EXPECT_EQ(telling_lines("E\nEach one"), "E\nEach one");
}

}  // namespace
}  // namespace stagebox::test_reports
