#include "runtime/base/units.h"

#include <gtest/gtest.h>

namespace stagebox::base {
namespace {

using std::chrono::milliseconds;

TEST(Units, ReadsSizes) {
  EXPECT_EQ(parse_bytes("0").value(), 0U);
  EXPECT_EQ(parse_bytes("512MiB").value(), 512ULL << 20);
  EXPECT_EQ(parse_bytes("1.5 GiB").value(), 3ULL << 29);
  EXPECT_EQ(parse_bytes("2GB").value(), 2'000'000'000ULL);
}

TEST(Units, RefusesSizesThatAreNone) {
  for (const char* text :
       {"", "-1", "1e9", "GiB", "1 gib", "1GiB ", "1..5GiB", ".5GiB", "9999999TiB", "0x10"}) {
    EXPECT_FALSE(parse_bytes(text).ok()) << text;
  }
}

TEST(Units, ReadsDurations) {
  EXPECT_EQ(parse_duration("90s").value(), milliseconds(90'000));
  EXPECT_EQ(parse_duration("1h30m").value(), milliseconds(5'400'000));
  EXPECT_EQ(parse_duration("250ms").value(), milliseconds(250));
  EXPECT_EQ(parse_duration("7").value(), milliseconds(7'000));
}

TEST(Units, RefusesDurationsThatAreNone) {
  for (const char* text : {"", "m", "10 m", "30m1h", "1h1h", "-5s", "5d", "1m30", "99999999999h"}) {
    EXPECT_FALSE(parse_duration(text).ok()) << text;
  }
}

TEST(Units, PrintsForPeople) {
  EXPECT_EQ(counted(0, "stage"), "0 stages");
  EXPECT_EQ(counted(1, "stage"), "1 stage");
  EXPECT_EQ(format_bytes(7), "7 B");
  EXPECT_EQ(format_bytes(1536), "1.5 KiB");
  EXPECT_EQ(format_bytes(3ULL << 30), "3.0 GiB");
  EXPECT_EQ(format_duration(milliseconds(420)), "0.42s");
  EXPECT_EQ(format_duration(milliseconds(12'340)), "12.3s");
  EXPECT_EQ(format_duration(milliseconds(185'000)), "3m05s");
  EXPECT_EQ(format_duration(milliseconds(3'725'000)), "1h02m");
}

}  // namespace
}  // namespace stagebox::base
