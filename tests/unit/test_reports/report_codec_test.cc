#include "runtime/test_reports/report_codec.h"

#include <gtest/gtest.h>

namespace stagebox::test_reports {
namespace {

std::vector<ParsedReport> sample() {
  TestCase failed;
  failed.suite = "s";
  failed.name = "n";
  failed.status = TestStatus::kFailed;
  failed.took = std::chrono::microseconds(300);
  failed.message = "m\n\xc3\xa4";
  failed.detail = "d";
  TestCase flaky;
  flaky.name = "f";
  flaky.flaky = true;
  return {{{failed, flaky}, ""}, {{}, "line 1: x"}};
}

TEST(ReportCodec, RoundTrip) {
  EXPECT_EQ(decode_reports(encode_reports(sample())).value(), sample());
  EXPECT_TRUE(decode_reports(encode_reports({}))->empty());
}

// No byte can be taken away, and none added.
TEST(ReportCodec, ATornMessageIsNone) {
  const std::string bytes = encode_reports(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_reports(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(decode_reports(bytes + '\0').ok());
}

TEST(ReportCodec, RefusesWhatTheParsersNeverSay) {
  TestCase test;
  test.name = std::string(CaseLimits::kName + 1, 'x');
  EXPECT_FALSE(decode_reports(encode_reports({{{test}, ""}})).ok());
  test.name = "\x1b[1m";
  EXPECT_FALSE(decode_reports(encode_reports({{{test}, ""}})).ok());
  test.name = "\xff";
  EXPECT_FALSE(decode_reports(encode_reports({{{test}, ""}})).ok());
  test.name = "x";
  test.status = static_cast<TestStatus>(3);
  EXPECT_FALSE(decode_reports(encode_reports({{{test}, ""}})).ok());
}

TEST(ReportCodec, AHugeCountAllocatesNothing) {
  std::string bytes("\x01\x01\x00", 3);
  bytes += "\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
  EXPECT_FALSE(decode_reports(bytes).ok());
}

}  // namespace
}  // namespace stagebox::test_reports
