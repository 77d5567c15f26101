#include "runtime/coverage/cobertura_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coverage/coverage_printer.h"

namespace stagebox::coverage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string document(const std::string& classes, const std::string& sources = "") {
  return "<coverage><sources>" + sources + "</sources><packages><package><classes>" + classes +
         "</classes></package></packages></coverage>";
}

std::vector<std::string> found(const std::string& report) {
  return lines_of(read_cobertura, {report});
}

TEST(CoberturaParser, ClassesOfAFileAreOneFile) {
  EXPECT_THAT(
      found(document("<class filename='a'><lines><line number='2' hits='0'/>"
                     "<line number='1' hits='1'/></lines></class>"
                     "<class filename='./x/../a'><lines><line number='2' hits='1'/></lines></class>"
                     "<class filename='b'><lines><line number='2' hits='0'/></lines></class>")),
      ElementsAre("a: 1 2", "b: -2"));
}

TEST(CoberturaParser, OneSourceIsWhereNamesBegin) {
  const std::string line = "<class filename='a'><lines><line number='1' hits='1'/></lines></class>";
  EXPECT_THAT(found(document(line, "<source> /workspace/s/ </source>")), ElementsAre("s/a: 1"));
  EXPECT_THAT(found(document(line, "<source>/opt</source>")), ElementsAre("/opt/a: 1"));
  EXPECT_THAT(found(document(line, "<source>x</source><source>y</source>")), ElementsAre("a: 1"));
  EXPECT_THAT(found(document("<class filename='/opt/b'/>", "<source>x</source>")),
              ElementsAre("/opt/b:"));
}

TEST(CoberturaParser, RatesAreNotBelieved) {
  EXPECT_THAT(found("<coverage line-rate='1' lines-valid='1000' lines-covered='1000'>"
                    "<class filename='a' line-rate='1'><line number='1' hits='0'/></class>"
                    "</coverage>"),
              ElementsAre("a: -1"));
  EXPECT_THAT(found("<coverage lines-valid='1000'><packages/></coverage>"),
              ElementsAre(HasSubstr("lists none")));
}

TEST(CoberturaParser, WhatIsWrongIsSaidWithItsLine) {
  const auto lines = [](const std::string& attributes) {
    return found("<coverage><class filename='a'>\n<line " + attributes + "/></class></coverage>");
  };
  EXPECT_THAT(found(" \n "), ElementsAre("!it is empty"));
  EXPECT_THAT(found("<report/>"), ElementsAre(HasSubstr("no <coverage>")));
  EXPECT_THAT(found("<coverage><class/></coverage>"), ElementsAre(HasSubstr("has no file name")));
  EXPECT_THAT(found("<coverage><class filename='a'>"), ElementsAre("a:", HasSubstr("!line 1: ")));
  for (const char* wrong :
       {"number='1'", "hits='1'", "number='x' hits='1'", "number='-1' hits='1'",
        "number='1' hits=''", "number='1' hits='inf'", "number='99999999999' hits='1'"})
    EXPECT_THAT(lines(wrong), ElementsAre("a:", HasSubstr("!line 2: "))) << wrong;
  EXPECT_THAT(lines("number='10000001' hits='1'"), ElementsAre("a:", HasSubstr("above 10000000")));
  EXPECT_THAT(lines("number='1' hits='1' condition-coverage='100% (3/2)'"),
              ElementsAre("a: 1", HasSubstr("3 of 2 branches")));
  EXPECT_THAT(lines("number='1' hits='1' condition-coverage='0% (0/99999)'"),
              ElementsAre("a: 1", HasSubstr("99999 branches")));
  EXPECT_THAT(lines("number='1' hits='1' condition-coverage='(x/2)'"),
              ElementsAre("a: 1", HasSubstr("no `condition-coverage`")));
  EXPECT_THAT(lines("number='1' hits='1' condition-coverage='50%'"), ElementsAre("a: 1"));
}

TEST(CoberturaParser, NothingOutsideIsRead) {
  EXPECT_THAT(found("<!DOCTYPE coverage [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
                    "<coverage><class filename='&e;'/></coverage>"),
              ElementsAre(HasSubstr("a DOCTYPE with declarations")));
  std::string deep = "<coverage>";
  for (int i = 0; i < 100; ++i) deep += "<a>";
  EXPECT_THAT(found(deep), ElementsAre(HasSubstr("nested deeper than 64")));
}

}  // namespace
}  // namespace stagebox::coverage
