// A sample of each dialect, written as the runner writes it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "runtime/test_reports/junit_parser.h"
#include "tests/unit/test_reports/report_printer.h"

namespace stagebox::test_reports {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(JunitDialects, Pytest) {
  const ParsedReport report = parse_junit(R"xml(<?xml version="1.0" encoding="utf-8"?>
<testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="1" skipped="2" tests="6" time="0.061" timestamp="2025-02-03T10:11:12.131415+00:00" hostname="runner">
<testcase classname="tests.test_sum.TestSum" name="test_small[1-2]" time="0.001" />
<testcase classname="tests.test_sum.TestSum" name="test_large" time="0.012"><failure message="assert 3 == 4&#10; +  where 3 = add(1, 2)">self = &lt;tests.test_sum.TestSum object at 0x7f&gt;

    def test_large(self):
&gt;       assert add(1, 2) == 4
E       assert 3 == 4

tests/test_sum.py:12: AssertionError</failure></testcase>
<testcase classname="tests.test_sum" name="test_later" time="0.000"><skipped type="pytest.skip" message="not on Linux">/workspace/tests/test_sum.py:20: not on Linux</skipped></testcase>
<testcase classname="tests.test_sum" name="test_known" time="0.002"><skipped type="pytest.xfail" message="bug 7" /></testcase>
<testcase classname="tests.test_db" name="test_query" time="0.004"><error message="failed on setup with &quot;ConnectionError&quot;">E   ConnectionError: refused</error></testcase>
<testcase classname="" name="tests.test_broken" time="0.000"><error message="collection failure">ImportError while importing test module 'tests/test_broken.py'.
Traceback:
tests/test_broken.py:1: in &lt;module&gt;
    import gone
E   ModuleNotFoundError: No module named 'gone'</error></testcase>
</testsuite></testsuites>)xml");
  EXPECT_THAT(
      lines_of(report),
      ElementsAre(
          "passed tests.test_sum.TestSum|test_small[1-2]|1000|",
          "failed tests.test_sum.TestSum|test_large|12000|assert 3 == 4\n +  where 3 = add(1, 2)",
          "skipped tests.test_sum|test_later|0|not on Linux",
          "skipped tests.test_sum|test_known|2000|bug 7",
          "failed tests.test_db|test_query|4000|failed on setup with \"ConnectionError\"",
          "failed pytest tests > pytest|tests.test_broken|0|ModuleNotFoundError: No module named "
          "'gone'"));
  EXPECT_THAT(report.cases[1].detail, HasSubstr(">       assert add(1, 2) == 4\nE  "));
}

TEST(JunitDialects, PytestColoursAreRemoved) {
  const ParsedReport report = parse_junit(
      "<testsuite><testcase classname='c' name='n'><failure message='#x1B[1mbold#x1B[0m "
      "&#27;[31mred&#x1b;[0m &#0;'>t</failure></testcase></testsuite>");
  EXPECT_THAT(lines_of(report), ElementsAre("failed c|n|-|bold red \xef\xbf\xbd"));
}

TEST(JunitDialects, GoogleTest) {
  const ParsedReport report = parse_junit(R"xml(<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="4" failures="1" disabled="1" errors="0" time="0.015" timestamp="2025-02-03T10:11:12.131" name="AllTests">
  <testsuite name="SumTest" tests="4" failures="1" disabled="1" skipped="1" errors="0" time="0.015" timestamp="2025-02-03T10:11:12.131">
    <testcase name="Small" file="/src/sum_test.cc" line="5" status="run" result="completed" time="0." timestamp="2025-02-03T10:11:12.131" classname="SumTest" />
    <testcase name="Large" file="/src/sum_test.cc" line="9" status="run" result="completed" time="0.012" timestamp="2025-02-03T10:11:12.131" classname="SumTest">
      <failure message="/src/sum_test.cc:10&#x0A;Expected equality of these values:&#x0A;  sum(1, 2)&#x0A;    Which is: 3&#x0A;  4" type=""><![CDATA[/src/sum_test.cc:10
Expected equality of these values:
  sum(1, 2)
    Which is: 3
  4]]></failure>
      <failure message="/src/sum_test.cc:11&#x0A;Failed" type=""><![CDATA[/src/sum_test.cc:11
Failed]]></failure>
    </testcase>
    <testcase name="DISABLED_Slow" file="/src/sum_test.cc" line="14" status="notrun" result="suppressed" time="0." timestamp="2025-02-03T10:11:12.131" classname="SumTest" />
    <testcase name="Typed/0" type_param="int" file="/src/sum_test.cc" line="18" status="run" result="skipped" time="0.001" timestamp="2025-02-03T10:11:12.131" classname="SumTest">
      <skipped message="/src/sum_test.cc:19&#x0A;no kernel for it"><![CDATA[/src/sum_test.cc:19
no kernel for it]]></skipped>
    </testcase>
  </testsuite>
</testsuites>)xml");
  EXPECT_THAT(lines_of(report),
              ElementsAre("passed SumTest|Small|0|",
                          "failed SumTest|Large|12000|/src/sum_test.cc:10\nExpected equality of "
                          "these values:\n  sum(1, 2)\n    Which is: 3\n  4",
                          "skipped SumTest|DISABLED_Slow|0|",
                          "skipped SumTest|Typed/0|1000|/src/sum_test.cc:19\nno kernel for it"));
  EXPECT_THAT(report.cases[1].detail, HasSubstr("  4\n/src/sum_test.cc:11\nFailed"));
}

TEST(JunitDialects, Surefire) {
  const ParsedReport report = parse_junit(R"xml(<?xml version="1.0" encoding="UTF-8"?>
<testsuite xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:noNamespaceSchemaLocation="https://maven.apache.org/surefire/maven-surefire-plugin/xsd/surefire-test-report.xsd" version="3.0" name="org.example.SumTest" time="1,234.5" tests="4" errors="1" skipped="1" failures="0">
  <properties><property name="java.version" value="17"/></properties>
  <testcase name="small" classname="org.example.SumTest" time="1,234.5"><system-out><![CDATA[hello]]></system-out></testcase>
  <testcase name="large" classname="org.example.SumTest" time="0.02">
    <error message="boom" type="java.lang.IllegalStateException"><![CDATA[java.lang.IllegalStateException: boom
	at org.example.SumTest.large(SumTest.java:12)
]]></error>
    <rerunFailure message="again" type="E"><stackTrace>trace</stackTrace></rerunFailure>
    <system-err>noise</system-err>
  </testcase>
  <testcase name="ignored" classname="org.example.SumTest" time="0"><skipped/></testcase>
  <testcase name="shaky" classname="org.example.SumTest" time="0.1">
    <flakyFailure message="expected 1" type="AssertionError"><stackTrace>AssertionError: expected 1</stackTrace><system-out>x</system-out></flakyFailure>
  </testcase>
</testsuite>)xml");
  EXPECT_THAT(lines_of(report), ElementsAre("passed org.example.SumTest|small|1234500000|",
                                            "failed org.example.SumTest|large|20000|boom",
                                            "skipped org.example.SumTest|ignored|0|",
                                            "flaky org.example.SumTest|shaky|100000|expected 1"));
  EXPECT_THAT(report.cases[1].detail, HasSubstr("\tat org.example.SumTest.large"));
  EXPECT_EQ(report.cases[1].detail.find("trace"), std::string::npos);
}

TEST(JunitDialects, Jest) {
  const ParsedReport report = parse_junit(R"xml(<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="jest tests" tests="3" failures="1" errors="0" time="1.4">
  <testsuite name="sum" errors="0" failures="1" skipped="1" timestamp="2025-02-03T10:11:12" time="1.2" tests="3">
    <testcase classname="sum adds small" name="sum adds small" time="0.003">
    </testcase>
    <testcase classname="sum adds large" name="sum adds large" time="0.004">
      <failure>Error: expect(received).toBe(expected)

Expected: 4
Received: 3
    at Object.&lt;anonymous&gt; (/workspace/sum.test.js:8:21)</failure>
    </testcase>
    <testcase classname="sum later" name="sum later" time="0">
      <skipped/>
    </testcase>
  </testsuite>
</testsuites>)xml");
  EXPECT_THAT(lines_of(report),
              ElementsAre("passed |sum adds small|3000|",
                          "failed |sum adds large|4000|Error: expect(received).toBe(expected)\n"
                          "Expected: 4\nReceived: 3",
                          "skipped |sum later|0|"));
}

TEST(JunitDialects, GoJunitReport) {
  const ParsedReport report = parse_junit(R"xml(<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="3" failures="1" skipped="1">
	<testsuite name="example.org/sum" tests="3" failures="1" errors="0" id="0" hostname="runner" skipped="1" time="0.003" timestamp="2025-02-03T10:11:12Z">
		<properties>
			<property name="go.version" value="go1.22 linux/amd64"></property>
		</properties>
		<testcase name="TestSmall" classname="example.org/sum" time="0.000"></testcase>
		<testcase name="TestLarge/case_1" classname="example.org/sum" time="0.001">
			<failure message="Failed"><![CDATA[    sum_test.go:10: adding
    sum_test.go:11: got 3, want 4]]></failure>
		</testcase>
		<testcase name="TestLater" classname="example.org/sum" time="0.000">
			<skipped message="sum_test.go:16: not now"></skipped>
		</testcase>
		<system-out><![CDATA[ok]]></system-out>
	</testsuite>
</testsuites>)xml");
  EXPECT_THAT(lines_of(report),
              ElementsAre("passed example.org/sum|TestSmall|0|",
                          "failed example.org/sum|TestLarge/case_1|1000|sum_test.go:10: adding\n"
                          "sum_test.go:11: got 3, want 4",
                          "skipped example.org/sum|TestLater|0|sum_test.go:16: not now"));
}

TEST(JunitDialects, Gotestsum) {
  const ParsedReport report = parse_junit(R"xml(<?xml version="1.0" encoding="UTF-8"?>
<testsuites tests="4" failures="3" errors="0" time="0.007274">
	<testsuite tests="4" failures="3" skipped="1" time="0.007000" name="example.org/sum" timestamp="2025-02-03T10:11:12Z">
		<testcase classname="example.org/sum" name="TestLarge" time="0.000000">
			<failure message="Failed" type="">=== RUN   TestLarge&#xA;    sum_test.go:11: got 3, want 4&#xA;--- FAIL: TestLarge (0.00s)&#xA;</failure>
		</testcase>
		<testcase classname="example.org/sum" name="TestAll" time="0.000000">
			<failure message="Failed" type="">=== RUN   TestAll&#xA;--- FAIL: TestAll (0.00s)&#xA;</failure>
		</testcase>
		<testcase classname="example.org/sum" name="TestPanic" time="0.000000">
			<failure message="Failed" type="">=== RUN   TestPanic&#xA;--- FAIL: TestPanic (0.00s)&#xA;panic: out of range [recovered]&#xA;&#xA;goroutine 24 [running]:&#xA;testing.tRunner.func1.2({0x551fc0, 0x595660})&#xA;</failure>
		</testcase>
		<testcase classname="example.org/sum" name="TestLater" time="0.000000">
			<skipped message="=== RUN   TestLater&#xA;    sum_test.go:16: not now&#xA;--- SKIP: TestLater (0.00s)&#xA;"></skipped>
		</testcase>
	</testsuite>
</testsuites>)xml");
  EXPECT_THAT(lines_of(report),
              ElementsAre("failed example.org/sum|TestLarge|0|sum_test.go:11: got 3, want 4",
                          "failed example.org/sum|TestAll|0|",
                          "failed example.org/sum|TestPanic|0|panic: out of range [recovered]",
                          "skipped example.org/sum|TestLater|0|sum_test.go:16: not now"));
}

// ctest itself exits with a failure for these.
TEST(JunitDialects, WhatCtestCouldNotRunHasFailed) {
  const ParsedReport report = parse_junit(R"xml(<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="(empty)" tests="4" failures="0" disabled="0" skipped="4" hostname="" time="0" timestamp="2025-02-03T10:11:12">
	<testcase name="unbuilt" classname="unbuilt" time="0" status="notrun">
		<skipped message="Unable to find executable"/>
		<system-out>Unable to find executable: /workspace/build/unbuilt</system-out>
	</testcase>
	<testcase name="queries" classname="queries" time="0" status="notrun">
		<skipped message="Fixture dependency failed"/>
		<system-out>Failed test dependencies: database</system-out>
	</testcase>
	<testcase name="later" classname="later" time="0.001" status="notrun">
		<skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>
	</testcase>
	<testcase name="named" classname="other" time="0.001" status="notrun">
		<skipped message="not here"/>
	</testcase>
</testsuite>)xml");
  EXPECT_THAT(lines_of(report), ElementsAre("failed |unbuilt|0|Unable to find executable",
                                            "failed |queries|0|Fixture dependency failed",
                                            "skipped |later|1000|SKIP_REGULAR_EXPRESSION_MATCHED",
                                            "skipped other|named|1000|not here"));
  EXPECT_EQ(report.cases[0].detail, "Unable to find executable: /workspace/build/unbuilt");
}

TEST(JunitDialects, Ctest) {
  const ParsedReport report = parse_junit(R"xml(<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="(empty)" tests="4" failures="1" disabled="1" skipped="1" hostname="" time="0" timestamp="2025-02-03T10:11:12">
	<testcase name="small" classname="small" time="0.00301" status="run">
		<system-out>fine</system-out>
	</testcase>
	<testcase name="large" classname="large" time="0.00402" status="fail">
		<failure message=""/>
		<properties/>
		<system-out>
sum(1, 2) is 3, not 4
</system-out>
	</testcase>
	<testcase name="later" classname="later" time="0.001" status="notrun">
		<skipped message="SKIP_RETURN_CODE=77"/>
		<properties/>
		<system-out/>
	</testcase>
	<testcase name="off" classname="off" time="0" status="disabled">
		<skipped message="Disabled"/>
		<properties/>
		<system-out>Disabled</system-out>
	</testcase>
</testsuite>)xml");
  EXPECT_THAT(lines_of(report),
              ElementsAre("passed |small|3010|", "failed |large|4020|sum(1, 2) is 3, not 4",
                          "skipped |later|1000|SKIP_RETURN_CODE=77", "skipped |off|0|Disabled"));
}

TEST(JunitDialects, NodeAndNestedSuites) {
  const ParsedReport report = parse_junit(R"xml(<?xml version="1.0" encoding="utf-8"?>
<testsuites>
	<testsuite name="sum" time="0.002" disabled="0" errors="0" tests="1" failures="1" skipped="0">
		<testsuite name="large">
			<testcase name="adds" time="0.001" classname="test" failure="not equal">
				<failure type="testCodeFailure" message="not equal">[Error: not equal]</failure>
			</testcase>
		</testsuite>
		<testcase name="adds" time="0.001" classname="test"/>
		<testcase name="later" time="0.001" classname="test" failure="not yet">
			<skipped type="todo" message="true"/>
			<failure type="testCodeFailure" message="not yet">[Error: not yet]</failure>
		</testcase>
		<testcase name="idea" time="0.001" classname="test">
			<skipped type="todo" message="true"/>
		</testcase>
		<testcase name="off" time="0.001" classname="test">
			<skipped type="skipped" message="not here"/>
		</testcase>
	</testsuite>
</testsuites>)xml");
  EXPECT_THAT(lines_of(report),
              ElementsAre("failed sum > large|adds|1000|not equal", "passed sum|adds|1000|",
                          "skipped sum|later|1000|not yet", "skipped sum|idea|1000|",
                          "skipped sum|off|1000|not here"));
}

std::string playwright_suite(const std::string& project, const std::string& status) {
  return "<testsuite name='login.spec.ts' hostname='" + project + "' tests='2' " +
         "timestamp='2025-02-03T10:11:12.131Z' failures='0' skipped='0' time='1' errors='0'>\n" +
         "<testcase name='logs in' classname='login.spec.ts' time='0.5'>" + status +
         "</testcase>\n<testcase name='only in " + project +
         "' classname='login.spec.ts' time='0.5'/></testsuite>\n";
}

TEST(JunitDialects, ProjectsOfPlaywrightWhateverTheirOrder) {
  const std::string failure = "<failure message='m' type='FAILURE'>t</failure>";
  const std::string chromium = playwright_suite("chromium", failure);
  const std::string webkit = playwright_suite("webkit", "");
  const std::string begin = "<testsuites id='' name='' tests='4' failures='1'>\n";
  EXPECT_THAT(lines_of(parse_junit(begin + chromium + webkit + "</testsuites>")),
              ElementsAre("failed chromium > login.spec.ts|logs in|500000|m",
                          "passed login.spec.ts|only in chromium|500000|",
                          "passed webkit > login.spec.ts|logs in|500000|",
                          "passed login.spec.ts|only in webkit|500000|"));
  EXPECT_THAT(lines_of(parse_junit(begin + webkit + chromium + "</testsuites>")),
              ElementsAre("passed webkit > login.spec.ts|logs in|500000|",
                          "passed login.spec.ts|only in webkit|500000|",
                          "failed chromium > login.spec.ts|logs in|500000|m",
                          "passed login.spec.ts|only in chromium|500000|"));
}

}  // namespace
}  // namespace stagebox::test_reports
