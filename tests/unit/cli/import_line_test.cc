#include "runtime/cli/import_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stagebox::cli {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;
using Phase = images::ImportProgress::Phase;

ImportMoment half_way() {
  ImportMoment moment;
  moment.name = "images/gcc.tar";
  moment.phase = Phase::kUnpacking;
  moment.bytes_read = 100UL << 20U;
  moment.bytes_total = 200UL << 20U;
  moment.entries = 12345;
  moment.rate = 10.0 * (1U << 20U);
  return moment;
}

TEST(ImportLine, TellsEverythingWhereThereIsRoom) {
  EXPECT_EQ(live_line(half_way(), 200, Colour::kNo),
            "importing gcc.tar  [##########----------]  50%  100 MiB of 200 MiB  12345 files  "
            "10 MiB/s  10s left");
  EXPECT_EQ(plain_line(half_way()),
            "importing \"images/gcc.tar\": 50%, 100 MiB of 200 MiB, 12345 files, 10 MiB/s, "
            "10s left");
}

TEST(ImportLine, LeavesOutWhatMattersLeast) {
  EXPECT_EQ(live_line(half_way(), 80, Colour::kNo),
            "importing gcc.tar  50%  100 MiB of 200 MiB  12345 files  10s left");
  EXPECT_EQ(live_line(half_way(), 30, Colour::kNo), "importing gcc.tar  50%");
  for (std::size_t width = 0; width < 120; ++width) {
    EXPECT_LE(live_line(half_way(), width, Colour::kNo).size(), width);
  }
}

TEST(ImportLine, ColoursTakeNoColumns) {
  const std::string line = live_line(half_way(), 106, Colour::kYes);
  EXPECT_THAT(line, HasSubstr("\x1b[32m##########\x1b[0m----------"));
  EXPECT_THAT(line, HasSubstr("10 MiB/s"));
  EXPECT_THAT(live_line(half_way(), 200, Colour::kNo), Not(HasSubstr("\x1b")));
}

TEST(ImportLine, NamesDoNotDriveTheTerminal) {
  ImportMoment moment = half_way();
  moment.name = "a/\x1b[2J\xc3\xa4" + std::string(100, 'n');
  EXPECT_THAT(live_line(moment, 200, Colour::kNo), HasSubstr("importing ?[2J??nnn"));
  EXPECT_THAT(plain_line(moment), HasSubstr("\\x1b[2J"));
}

TEST(ImportLine, SaysOnlyWhatIsKnown) {
  ImportMoment moment = half_way();
  moment.phase = Phase::kReading;
  moment.bytes_total = 0;  // a pipe
  moment.entries = 0;
  EXPECT_EQ(plain_line(moment), "reading \"images/gcc.tar\": 100 MiB, 10 MiB/s");
  moment.rate.reset();
  EXPECT_EQ(live_line(moment, 80, Colour::kNo), "reading gcc.tar  100 MiB");
  moment = half_way();
  moment.rate = 0;
  EXPECT_THAT(plain_line(moment), Not(HasSubstr("left")));
  moment.phase = Phase::kWaiting;
  EXPECT_EQ(plain_line(moment),
            "waiting for another import to finish a layer of \"images/gcc.tar\"");
  moment.phase = Phase::kWriting;
  EXPECT_EQ(live_line(moment, 80, Colour::kNo), "writing to disk gcc.tar");
}

TEST(ImportLine, RemainingTimeIsRoundedUp) {
  ImportMoment moment = half_way();
  moment.rate = static_cast<double>(100UL << 20U) / 61.5;
  EXPECT_THAT(plain_line(moment), HasSubstr("1m02s left"));
  moment.bytes_read = 300UL << 20U;  // more than there should be
  EXPECT_THAT(plain_line(moment), HasSubstr("100%"));
  EXPECT_THAT(plain_line(moment), Not(HasSubstr("left")));
}

TEST(RateMeter, IsOfTheLastSeconds) {
  RateMeter meter;
  const RateMeter::Clock::time_point start;
  meter.add(start, 0);
  EXPECT_FALSE(meter.rate());
  meter.add(start + milliseconds(100), 1000);
  EXPECT_FALSE(meter.rate());  // too short to be told
  for (int i = 1; i <= 10; ++i)
    meter.add(start + seconds(i), std::uint64_t{1000} * static_cast<unsigned>(i));
  EXPECT_DOUBLE_EQ(*meter.rate(), 1000);
  for (int i = 11; i <= 20; ++i) meter.add(start + seconds(i), 10000);
  EXPECT_DOUBLE_EQ(*meter.rate(), 0);
  meter.add(start + seconds(21), 5);  // another phase
  EXPECT_FALSE(meter.rate());
}

}  // namespace
}  // namespace stagebox::cli
