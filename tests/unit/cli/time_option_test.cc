// Times as people give and read them.
#include "runtime/cli/time_option.h"

#include <gtest/gtest.h>

namespace stagebox::cli {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kNow = 1'777'896'000 * kSecond;  // 2026-05-04T12:00:00Z

TEST(TimeOption, TakesDurationsAndTimes) {
  EXPECT_EQ(*parse_time("--since", "10m", kNow), kNow - 600 * kSecond);
  EXPECT_EQ(*parse_time("--since", "2026-05-04T12:00:00Z", 0), kNow);
  EXPECT_EQ(*parse_time("--since", "2026-05-04T12:00:00.25Z", 0), kNow + kSecond / 4);
  EXPECT_EQ(*parse_time("--since", "2026-05-04T14:00:00+02:00", 0), kNow);
  EXPECT_EQ(*parse_time("--since", "2026-05-04T10:30:00.000000001-01:30", 0), kNow + 1);
}

TEST(TimeOption, RefusesOthers) {
  for (const char* text :
       {"", "yesterday", "2026-05-04", "2026-05-04T12:00:00", "9999999999h", "-5m",
        "2026-05-04T12:00:00+0200", "1066-05-04T12:00:00Z", "9026-05-04T12:00:00Z"}) {
    const auto time = parse_time("--since", text, kNow);
    ASSERT_FALSE(time.ok()) << text;
    EXPECT_NE(time.error().message.find("--since"), std::string::npos);
  }
}

TEST(TimeOption, IsShownInUtc) {
  EXPECT_EQ(format_time(kNow + 1'234'567), "2026-05-04T12:00:00.001Z");
  EXPECT_EQ(format_time(-1), "1969-12-31T23:59:59.999Z");
}

}  // namespace
}  // namespace stagebox::cli
