// Times as people give and read them.
#include "runtime/cli/time_option.h"

#include <gtest/gtest.h>
#include <time.h>

#include <cstdlib>

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

TEST(TimeOption, TakesDays) {
  constexpr std::int64_t kDay = 86'400 * kSecond;
  EXPECT_EQ(*parse_time("--since", "1d", kNow), kNow - kDay);
  EXPECT_EQ(*parse_time("--since", "2d1h30m", kNow), kNow - 2 * kDay - 5400 * kSecond);
}

TEST(TimeOption, WithoutAZoneATimeIsLocal) {
  ASSERT_EQ(::setenv("TZ", "TEST-3", 1), 0);  // three hours before Greenwich
  ::tzset();
  EXPECT_EQ(*parse_time("--since", "2026-05-04 15:00", 0), kNow);
  EXPECT_EQ(*parse_time("--since", "2026-05-04 15:00:01.5", 0), kNow + 3 * kSecond / 2);
  EXPECT_EQ(*parse_time("--since", "2026-05-04T15:00:00", 0), kNow);
  EXPECT_EQ(*parse_time("--since", "2026-05-04 12:00Z", 0), kNow);
  EXPECT_EQ(*parse_time("--since", "2026-05-04", 0), kNow - kSecond * 15 * 3600);
  EXPECT_EQ(format_local_time(kNow + kSecond / 2), "2026-05-04 15:00:00");
  ASSERT_EQ(::unsetenv("TZ"), 0);
  ::tzset();
}

TEST(TimeOption, RefusesOthers) {
  for (const char* text :
       {"", "yesterday", "2026-05", "2026-05-04Z", "2026-05-04 ", "2026-05-04T12",
        "2026-05-04 25:00", "d", "1d12", "-1d", "1.5d", "99999d", "9999999999h", "-5m",
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
