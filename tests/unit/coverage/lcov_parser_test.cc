#include "runtime/coverage/lcov_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/coverage/coverage_printer.h"

namespace stagebox::coverage {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> lcov(std::string_view report) { return lines_of(read_lcov, {report}); }

TEST(LcovParser, Version1) {
  EXPECT_THAT(lcov("TN:unit\nSF:/workspace/src/sum.c\nFN:3,sum\nFNDA:4,sum\nFNF:1\nFNH:1\n"
                   "BRDA:4,0,0,4\nBRDA:4,0,1,0\nBRDA:7,0,0,-\nBRF:3\nBRH:1\n"
                   "DA:3,4\nDA:4,4,c4ca4238a0b923820dcc509a6f75849b\nDA:5,0\nDA:7,1e+06\n"
                   "LF:4\nLH:3\nend_of_record\n"),
              ElementsAre("src/sum.c: 3 4(1/2) -5 7(0/1)"));
}

TEST(LcovParser, Version2) {
  EXPECT_THAT(lcov("# made by hand\nTN:\nSF:src/sum.c\nVER:1\nFNL:0,3,5\nFNA:0,4,sum\nFNF:1\n"
                   "FNH:1\nBRDA:4,0,a > b, or so,4\nBRDA:4,0,b,0\nBRDA:4,e0,b,1\n"
                   "MCDC:4,2,t,1,0,'a' in 'a && b'\nMCF:1\nMCH:1\nDA:4,4\nLF:1\nLH:1\n"
                   "end_of_record\n"),
              ElementsAre("src/sum.c: 4(2/3)"));
}

TEST(LcovParser, CargoLlvmCov) {
  EXPECT_THAT(lcov("SF:/workspace/src/lib.rs\r\nFN:1,_RNvCs_3sum3sum\r\n"
                   "FNDA:2,_RNvCs_3sum3sum\r\nFNF:1\r\nFNH:1\r\nDA:1,2\r\nDA:2,0\r\nBRF:0\r\n"
                   "BRH:0\r\nLF:2\r\nLH:1\r\nend_of_record\r\nSF:/root/.cargo/x.rs\r\nBRF:0\r\n"
                   "LF:0\r\nLH:0\r\nend_of_record\r\n"),
              ElementsAre("/root/.cargo/x.rs:", "src/lib.rs: 1 -2"));
}

TEST(LcovParser, AFileOfSeveralRecordsAndReportsCountsOnce) {
  constexpr std::string_view kFirst =
      "TN:a\nSF:x.c\nBRDA:1,0,0,1\nBRDA:1,0,1,0\nDA:1,1\nDA:2,0\nDA:3,0\nend_of_record\n"
      "TN:b\nSF:./x.c\nBRDA:1,0,0,0\nBRDA:1,0,1,-\nDA:1,0\nDA:2,7\nend_of_record\n";
  EXPECT_THAT(lines_of(read_lcov, {kFirst}), ElementsAre("x.c: 1(1/2) 2 -3"));
  EXPECT_THAT(lines_of(read_lcov, {kFirst, "SF:x.c\nBRDA:1,0,1,3\nDA:4,1\nend_of_record\n"}),
              ElementsAre("x.c: 1(2/2) 2 -3 4"));
}

TEST(LcovParser, SumsAreNotBelieved) {
  EXPECT_THAT(lcov("SF:a\nDA:1,0\nLF:900\nLH:900\nend_of_record\n"), ElementsAre("a: -1"));
  EXPECT_THAT(lcov("SF:a\nLF:900\nLH:900\nend_of_record\n"),
              ElementsAre("a:", HasSubstr("!line 4: it says that a source file has lines (LF)")));
  EXPECT_THAT(lcov("SF:a\nDA:1,1\nLF:1\nLH:2\nend_of_record\n"),
              ElementsAre("a: 1", HasSubstr("2 of 1 lines")));
}

TEST(LcovParser, WhatIsWrongIsSaidWithItsLine) {
  EXPECT_THAT(lcov(""), ElementsAre("!it is empty"));
  EXPECT_THAT(lcov("<coverage/>\n"), ElementsAre("!line 1: this is no line of an LCOV tracefile"));
  EXPECT_THAT(lcov("SF:a\nDA:1,1\n"), ElementsAre("a: 1", HasSubstr("no end_of_record")));
  EXPECT_THAT(lcov("SF:a\nSF:b\n"), ElementsAre("a:", HasSubstr("!line 2: ")));
  EXPECT_THAT(lcov("SF:\n"), ElementsAre(HasSubstr("has no name")));
  EXPECT_THAT(lcov("SF:/workspace/.\n"), ElementsAre(HasSubstr("has no name")));
  for (const char* stray : {"DA:1,1", "BRDA:1,0,0,1", "LF:1", "end_of_record"})
    EXPECT_THAT(lcov(stray), ElementsAre(HasSubstr("no SF before it"))) << stray;
  for (const char* wrong : {"DA:1", "DA:,1", "DA:1,", "DA:x,1", "DA:1,nan", "DA:-1,1", "BRDA:1,0",
                            "BRDA:1", "BRDA:1,0,0,x", "BRDA:x,0,0,1", "LF:x", "LH:", "da:1,1"})
    EXPECT_THAT(lcov("SF:a\n" + std::string(wrong)), ElementsAre("a:", HasSubstr("!line 2: ")))
        << wrong;
}

TEST(LcovParser, NamesAreFitToBeShown) {
  EXPECT_THAT(lcov("SF:a\x1b[31mb\xff \t\nend_of_record\n"), ElementsAre("ab\xef\xbf\xbd:"));
  EXPECT_THAT(lcov("SF:" + std::string(CoverageLimits::kPath, 'a') + "\nend_of_record\n"),
              ElementsAre(std::string(CoverageLimits::kPath, 'a') + ":"));
  for (const std::size_t size : {CoverageLimits::kPath + 1, std::size_t{1'000'000}})
    EXPECT_THAT(lcov("SF:" + std::string(size, 'a') + "\nend_of_record\n"),
                ElementsAre(HasSubstr("longer than 512 bytes")));
}

}  // namespace
}  // namespace stagebox::coverage
