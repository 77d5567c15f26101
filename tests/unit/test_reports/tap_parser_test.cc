#include "runtime/test_reports/tap_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/test_reports/report_printer.h"

namespace stagebox::test_reports {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(TapParser, Version12WithDirectivesAndDiagnostics) {
  const ParsedReport report = parse_tap(R"(1..7
ok 1 - loads
not ok 2 - adds
#   Failed test 'adds'
#   at t/sum.t line 7.
#          got: '3'
#     expected: '4'
some output of the program
ok 3 # SKIP no network
not ok 4 - divides # TODO not written yet
ok 5 - multiplies # TODO works already
ok - without a number
ok 7 issue #12 is fixed
)");
  EXPECT_THAT(lines_of(report),
              ElementsAre("passed |loads|-|",
                          "failed |adds|-|Failed test 'adds'\nat t/sum.t line 7.\ngot: '3'\n"
                          "expected: '4'",
                          "skipped |test 3|-|no network",
                          "skipped |divides|-|to do: not written yet", "passed |multiplies|-|",
                          "passed |without a number|-|", "passed |issue #12 is fixed|-|"));
}

// As node-tap and the kernel's selftests write it: another one each time, so it is no part of a
// name.
TEST(TapParser, ATimeIsNoPartOfAName) {
  const ParsedReport report = parse_tap(R"(TAP version 14
# Subtest: test/net.js
    ok 1 - connects # time=12.5ms
    not ok 2 - reconnects # time=0.25s
    1..2
not ok 1 - test/net.js # time=51379.2ms
ok 2 - test/file.js # time=80.974ms {
    ok 1 - opens
    1..1
}
ok 3 - issue # time=soon
ok 4 - later # time=3ms and more
ok 5 - skipped # SKIP time=4ms
1..5
)");
  EXPECT_EQ(report.problem, "");
  EXPECT_THAT(
      lines_of(report),
      ElementsAre("passed test/net.js|connects|12500|", "failed test/net.js|reconnects|250000|",
                  "passed test/file.js|opens|-|", "passed |issue # time=soon|-|",
                  "passed |later # time=3ms and more|-|", "skipped |skipped|-|time=4ms"));
}

TEST(TapParser, Version13WithYaml) {
  const ParsedReport report = parse_tap(R"(TAP version 13
ok 1 - quick
  ---
  duration_ms: 1.5
  ...
not ok 2 - equal
  ---
  message: "values differ"
  severity: fail
  data:
    got: 3
  ...
not ok 3 - thrown
  ---
  duration_ms: 0.25
  error: |-
    first line
    second line
  code: 'ERR'
  ...
1..3
)");
  EXPECT_THAT(lines_of(report), ElementsAre("passed |quick|1500|", "failed |equal|-|values differ",
                                            "failed |thrown|250|first line\nsecond line"));
  EXPECT_THAT(report.cases[1].detail, HasSubstr("data:\n  got: 3\n"));
}

TEST(TapParser, Version14WithSubtests) {
  const ParsedReport report = parse_tap(R"(TAP version 14
# Subtest: sum
    # Subtest: large
        ok 1 - positive
        not ok 2 - negative
          ---
          message: 'is 3'
          ...
        1..2
    not ok 1 - large
      ---
      message: not this one
      ...
    ok 2 - small
    1..2
not ok 1 - sum
ok 2 - buffered {
    1..1
    ok 1 - inner
}
not ok 3 - exits badly {
    ok 1 - fine
    1..1
}
ok 4 - hash \# and \\ backslash
ok 5 - empty {
}
not ok 6 - all to do # TODO later
1..6
)");
  EXPECT_THAT(
      lines_of(report),
      ElementsAre("passed sum > large|positive|-|", "failed sum > large|negative|-|is 3",
                  "passed sum|small|-|", "passed buffered|inner|-|", "passed exits badly|fine|-|",
                  "failed |exits badly|-|", "passed |hash # and \\ backslash|-|",
                  "passed |empty|-|", "skipped |all to do|-|to do: later"));
}

TEST(TapParser, AFailureInASubtestThatIsToDoIsNone) {
  const ParsedReport report =
      parse_tap("    not ok 1 - inner\n    1..1\nnot ok 1 - outer # TODO later\n1..1\n");
  EXPECT_THAT(lines_of(report), ElementsAre("skipped outer|inner|-|"));
}

TEST(TapParser, APlanThatIsNotKeptIsAProblem) {
  EXPECT_THAT(parse_tap("1..2\nok 1\n").problem, HasSubstr("says 2 tests, but there are 1"));
  EXPECT_THAT(parse_tap("ok 1\nok 2\n1..1\n").problem, HasSubstr("says 1 tests, but there are 2"));
  EXPECT_THAT(parse_tap("ok 1\n").problem, HasSubstr("there is no plan"));
  EXPECT_THAT(parse_tap("    ok 1\n    1..2\nok 1 - sub\n1..1\n").problem, HasSubstr("says 2"));
  EXPECT_EQ(parse_tap("1..0 # SKIP no compiler\n").problem, "");
  EXPECT_EQ(parse_tap("hello\n").problem, "it is no TAP");
}

TEST(TapParser, NumbersThatContradictThePlanAreAProblem) {
  EXPECT_THAT(parse_tap("1..2\nok 1\nok 7\n").problem,
              HasSubstr("says 2 tests, but there is a test 7"));
  EXPECT_THAT(parse_tap("1..2\nok 1 - a\nok 1 - a\n").problem, HasSubstr("a second test 1"));
  EXPECT_THAT(parse_tap("ok 2\nok\nok 2\n1..3\n").problem, HasSubstr("a second test 2"));
  EXPECT_THAT(parse_tap("    ok 1\n    ok 3\n    1..2\nok 1 - sub\n1..1\n").problem,
              HasSubstr("there is a test 3"));
  EXPECT_THAT(parse_tap("1..2\nok 1 - a {\n    1..1\n    ok 1\n}\nok 1 - b\n").problem,
              HasSubstr("a second test 1"));
}

TEST(TapParser, NumbersMayBeMissingOrInAnyOrder) {
  EXPECT_EQ(parse_tap("1..3\nok 2\nok 3\nok 1\n").problem, "");
  EXPECT_EQ(parse_tap("1..3\nok\nok 2\nok\n").problem, "");
  EXPECT_EQ(parse_tap("1..3\nok 1\nok\nok 2\n").problem, "");
  EXPECT_EQ(parse_tap("    ok 1\n    1..1\nok 1 - a\n    ok 1\n    1..1\nok 2 - b\n1..2\n").problem,
            "");
}

TEST(TapParser, BailOutEndsIt) {
  const ParsedReport report = parse_tap("1..3\nok 1 - a\nBail out! no database\nok 2 - b\n");
  EXPECT_THAT(lines_of(report), ElementsAre("passed |a|-|", "!bail out: no database"));
}

TEST(TapParser, OtherVersionsAreNotKnown) {
  EXPECT_THAT(parse_tap("TAP version 15\n1..1\nok 1\n").problem, HasSubstr("version 15"));
  EXPECT_EQ(parse_tap("TAP version 12\n1..1\nok 1\n").problem, "");
}

TEST(TapParser, WhatIsNoTapIsSkipped) {
  EXPECT_THAT(lines_of(parse_tap("okay\nnot okay\n  ok 1 - indented as no subtest is\n1..1x\n---\n"
                                 "...\n}\nok 1 - real\n1..1\n")),
              ElementsAre("passed |real|-|"));
}

TEST(TapParser, AnOpenYamlBlockEndsWithItsIndentation) {
  EXPECT_THAT(lines_of(parse_tap("not ok 1 - a\n  ---\n  message: m\nok 2 - b\n1..2\n")),
              ElementsAre("failed |a|-|m", "passed |b|-|"));
}

TEST(TapParser, MoreTestsThanTheLimitAreAProblem) {
  const ParsedReport report = parse_tap("ok 1\nok 2\nok 3\n1..3\n", 2);
  EXPECT_EQ(report.cases.size(), 2U);
  EXPECT_THAT(report.problem, HasSubstr("more than 2 tests"));
}

TEST(TapParser, DepthAndEscapesOfATerminalAreHarmless) {
  std::string deep;
  for (std::size_t i = 0; i < 100; ++i) deep += std::string(4 * i, ' ') + "ok 1 - x\n";
  EXPECT_LT(parse_tap(deep).cases.size(), 100U);
  EXPECT_THAT(lines_of(parse_tap("1..1\nok 1 - \x1b[31mred\x1b[0m\n")),
              ElementsAre("passed |red|-|"));
}

}  // namespace
}  // namespace stagebox::test_reports
