#include "runtime/coverage/coverage_codec.h"

#include <gtest/gtest.h>

namespace stagebox::coverage {
namespace {

ReadCoverage sample() {
  return {{{"a/\xc3\xa4.c", {{0, true, 0, 0}, {1, false, 2, 1}, {10'000'000, true, 65'535, 0}}},
           {"b.c", {}},
           {"c.c", {{7, false, 0, 0}}}},
          {"", "line 3: it is torn"}};
}

TEST(CoverageCodec, RoundTrip) {
  EXPECT_EQ(decode_coverage(encode_coverage(sample())).value(), sample());
  EXPECT_EQ(decode_coverage(encode_coverage({})).value(), ReadCoverage());
}

// No byte can be taken away, and none added.
TEST(CoverageCodec, ATornMessageIsNone) {
  const std::string bytes = encode_coverage(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_FALSE(decode_coverage(bytes.substr(0, size)).ok()) << size;
  EXPECT_FALSE(decode_coverage(bytes + '\0').ok());
}

TEST(CoverageCodec, RefusesWhatTheParsersNeverSay) {
  const auto is_refused = [](const ReadCoverage& coverage) {
    return !decode_coverage(encode_coverage(coverage)).ok();
  };
  EXPECT_TRUE(is_refused({{{"b", {}}, {"a", {}}}, {}})) << "out of order";
  EXPECT_TRUE(is_refused({{{"a", {}}, {"a", {}}}, {}})) << "twice";
  EXPECT_TRUE(is_refused({{{"", {}}}, {}}));
  EXPECT_TRUE(is_refused({{{"\x1b[1m", {}}}, {}}));
  EXPECT_TRUE(is_refused({{{std::string(CoverageLimits::kPath + 1, 'x'), {}}}, {}}));
  EXPECT_TRUE(is_refused({{{"a", {{10'000'001, true, 0, 0}}}}, {}}));
  EXPECT_TRUE(is_refused({{{"a", {{1, true, 2, 3}}}}, {}})) << "more taken than there are";
  EXPECT_TRUE(is_refused({{{"a", {{1, true, 65'536, 0}}}}, {}}));
}

TEST(CoverageCodec, AHugeCountAllocatesNothing) {
  std::string bytes("\x01\x01\x01x", 4);
  bytes += "\xff\xff\xff\xff\xff\xff\xff\xff\x7f";
  EXPECT_FALSE(decode_coverage(bytes).ok());
  // So many lines as there may be, of which none follows.
  EXPECT_FALSE(decode_coverage(std::string("\x01\x01\x01x\x80\x92\xf4\x01", 8)).ok());
}

}  // namespace
}  // namespace stagebox::coverage
