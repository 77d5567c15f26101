#include "runtime/test_reports/junit_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/test_reports/report_printer.h"

namespace stagebox::test_reports {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(JunitParser, SaysWhatIsNoReport) {
  EXPECT_THAT(lines_of(parse_junit(" \n")), ElementsAre("!it is empty"));
  EXPECT_THAT(parse_junit("<html/>").problem, HasSubstr("the document is a <html>"));
  EXPECT_THAT(parse_junit("ok 1").problem, HasSubstr("line 1: "));
}

TEST(JunitParser, KeepsWhatStandsBeforeTheEndOfATornDocument) {
  const ParsedReport report = parse_junit(
      "<testsuite name='s'>\n<testcase classname='c' name='a'/>\n<testcase classname='c' "
      "name='b'>");
  EXPECT_THAT(lines_of(report), ElementsAre("passed c|a|-|", HasSubstr("!line 3: ")));
}

TEST(JunitParser, AFailureWins) {
  const ParsedReport report = parse_junit(
      "<testsuite><testcase name='a' classname='c'><skipped message='s'/><failure message='f'/>"
      "</testcase><testcase name='b' classname='c'><failure message='f'/><skipped message='s'/>"
      "</testcase><testcase name='d' classname='c' status='failed'/></testsuite>");
  EXPECT_THAT(lines_of(report), ElementsAre("failed c|a|-|f", "failed c|b|-|f", "failed c|d|-|"));
}

TEST(JunitParser, AFailureOfASuiteIsACase) {
  const ParsedReport report = parse_junit(
      "<testsuites><testsuite name='pkg'><error message='does not compile'>x.go:1</error>"
      "<testcase name='a' classname='c'/></testsuite></testsuites>");
  EXPECT_THAT(lines_of(report),
              ElementsAre("failed pkg|(the suite itself)|-|does not compile", "passed c|a|-|"));
}

// A suite with one case, class "c" and name "n".
std::string suite_with(const std::string& attributes) {
  return "<testsuite " + attributes + "><testcase classname='c' name='n'/></testsuite>";
}

TEST(JunitParser, OneNameInSeveralSuitesIsToldApartByThem) {
  EXPECT_THAT(lines_of(parse_junit("<testsuites>" + suite_with("name='a' hostname='h'") +
                                   suite_with("name='b' hostname='h'") + "</testsuites>")),
              ElementsAre("passed a > c|n|-|", "passed b > c|n|-|"));
  EXPECT_THAT(
      lines_of(parse_junit("<testsuites>" + suite_with("name='a' hostname='h'") +
                           suite_with("name='a' hostname='i'") +
                           suite_with("name='x > c' hostname='h'") + "</testsuites>")),
      ElementsAre("passed h > a > c|n|-|", "passed i > a > c|n|-|", "passed h > x > c|n|-|"))
      << "by both where it takes both";
  EXPECT_THAT(lines_of(parse_junit("<testsuites><testsuite name='o'><testcase classname='c' "
                                   "name='n'/>" +
                                   suite_with("name='i'") +
                                   "<testcase classname='c' name='n'/></testsuite></testsuites>")),
              ElementsAre("passed o > c|n|-|", "passed o > i > c|n|-|", "passed o > c|n|-|"));
}

TEST(JunitParser, WhatNothingTellsApartStaysAsItIs) {
  EXPECT_THAT(lines_of(parse_junit("<testsuites>" + suite_with("name='a' hostname='h'") +
                                   suite_with("name='a' hostname='h'") + "</testsuites>")),
              ElementsAre("passed c|n|-|", "passed c|n|-|"));
  EXPECT_THAT(lines_of(parse_junit("<testsuite name='a'><testcase classname='c' name='n'/>"
                                   "<testcase classname='c' name='n'/></testsuite>")),
              ElementsAre("passed c|n|-|", "passed c|n|-|"));
  EXPECT_THAT(lines_of(parse_junit("<testsuites>" + suite_with("name='a'") +
                                   "<testsuite name='b'><testcase classname='c' name='m'/>"
                                   "</testsuite></testsuites>")),
              ElementsAre("passed c|n|-|", "passed c|m|-|"));
}

TEST(JunitParser, CountsWithoutACaseAreAProblem) {
  EXPECT_EQ(
      parse_junit("<testsuites tests='5'><testsuite name='s' tests='5'/></testsuites>").problem,
      "it says that there are 5 tests, and lists none");
  EXPECT_EQ(parse_junit("<testsuite tests='5' skipped='4'/>").problem,
            "it says that there are 5 tests, and lists none");
  for (const char* nothing :
       {"<testsuites/>", "<testsuite tests='0' errors='1'/>", "<testsuite tests='many'/>",
        "<testsuite tests='5' skipped='5'/>",
        "<testsuites tests='5'><testsuite tests='5' skipped='5'/></testsuites>",
        "<testsuite tests='5' skipped='2' disabled='3'/>"})
    EXPECT_THAT(lines_of(parse_junit(nothing)), ElementsAre()) << nothing;
}

TEST(JunitParser, CountsBesideCasesAreNotBelieved) {
  EXPECT_EQ(parse_junit("<testsuite name='Catch2 counts assertions' tests='5' failures='0'>"
                        "<testcase classname='c' name='n'/></testsuite>")
                .problem,
            "");
  EXPECT_EQ(parse_junit("<testsuites><testsuite name='pytest counts subtests' tests='3'>"
                        "<testcase classname='c' name='n'/></testsuite></testsuites>")
                .problem,
            "");
}

TEST(JunitParser, UnknownElementsAreSkippedWithAllInThem) {
  const ParsedReport report = parse_junit(
      "<testsuite><x><testcase name='no'/><failure/></x><testcase name='a' classname='c'><y>"
      "<failure message='no'/></y></testcase></testsuite>");
  EXPECT_THAT(lines_of(report), ElementsAre("passed c|a|-|"));
}

TEST(JunitParser, TimesThatAreNone) {
  const ParsedReport report = parse_junit(
      "<testsuite><testcase name='a' classname='c' time='-1'/><testcase name='b' classname='c' "
      "time='nan'/><testcase name='d' classname='c' time='1e300'/><testcase name='e' classname='c' "
      "time='0,25'/><testcase name='f' classname='c' time=''/></testsuite>");
  EXPECT_THAT(lines_of(report), ElementsAre("passed c|a|-|", "passed c|b|-|", "passed c|d|-|",
                                            "passed c|e|250000|", "passed c|f|-|"));
}

TEST(JunitParser, LongTextsAreCut) {
  const std::string lots(100'000, 'x');
  const ParsedReport report =
      parse_junit("<testsuite><testcase name='" + lots + "' classname='c'><failure message='" +
                  lots + "'>begin" + lots + "end</failure></testcase></testsuite>");
  ASSERT_EQ(report.cases.size(), 1U);
  const TestCase& test = report.cases.front();
  EXPECT_EQ(test.name.size(), CaseLimits::kName);
  EXPECT_EQ(test.message.size(), CaseLimits::kMessage);
  EXPECT_LE(test.detail.size(), CaseLimits::kDetail);
  EXPECT_TRUE(test.detail.starts_with("begin"));
  EXPECT_TRUE(test.detail.ends_with("end"));
  EXPECT_THAT(test.detail, HasSubstr("bytes ...]"));
}

TEST(JunitParser, MoreCasesThanTheLimitAreAProblem) {
  const ParsedReport report = parse_junit(
      "<testsuite><testcase name='a'/><testcase name='b'/><testcase name='c'/></testsuite>", 2);
  EXPECT_EQ(report.cases.size(), 2U);
  EXPECT_THAT(report.problem, HasSubstr("more than 2 test cases"));
}

TEST(NumberTwins, EachGetsANameOfItsOwn) {
  std::vector<TestCase> cases(4);
  for (TestCase& test : cases) test.name = "t";
  cases[1].name = "t (2)";
  cases[3].suite = "other";
  number_twins(cases);
  EXPECT_EQ(cases[0].name, "t");
  EXPECT_EQ(cases[1].name, "t (2)");
  EXPECT_EQ(cases[2].name, "t (3)");
  EXPECT_EQ(cases[3].name, "t");
}

}  // namespace
}  // namespace stagebox::test_reports
