#include "runtime/cli/line_tail.h"

#include <gmock/gmock.h>

namespace stagebox::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

HeldLine piece(std::size_t number, const std::string& text, bool begins = true, bool ends = true) {
  HeldLine line;
  line.number = number;
  line.text = text;
  line.begins = begins;
  line.ends = ends;
  return line;
}

std::vector<std::string> texts(LineTail& tail) {
  std::vector<std::string> texts;
  for (const HeldLine& line : tail.take()) texts.push_back(line.text);
  return texts;
}

TEST(LineTail, HoldsTheLastLines) {
  LineTail tail(2);
  for (std::size_t number = 1; number <= 100; ++number)
    tail.add(piece(number, std::to_string(number)));
  EXPECT_TRUE(tail.is_last(99, 100));
  EXPECT_FALSE(tail.is_last(98, 100));
  EXPECT_THAT(texts(tail), ElementsAre("99", "100"));
  EXPECT_THAT(texts(tail), IsEmpty());
  LineTail none(0);
  none.add(piece(1, "x"));
  EXPECT_THAT(texts(none), IsEmpty());
}

TEST(LineTail, APieceStaysOrGoesWithItsLine) {
  LineTail tail(2);
  tail.add(piece(1, "a1", true, false));
  tail.add(piece(2, "b1", true, false));
  tail.add(piece(1, "a2", false, false));
  tail.add(piece(2, "b2", false, false));
  tail.add(piece(3, "c"));
  tail.add(piece(1, "a3", false));
  tail.add(piece(2, "b3", false));
  EXPECT_THAT(texts(tail), ElementsAre("b1", "b2", "c", "b3"));
}

TEST(LineTail, HasRoomForSoMuchAndNoMore) {
  const std::string kilobyte(1000, 'x');
  LineTail tail(3, 10'000);
  for (std::size_t number = 1; number <= 1000; ++number) tail.add(piece(number, kilobyte));
  EXPECT_FALSE(tail.is_too_long()) << "what goes leaves its room";
  EXPECT_THAT(texts(tail), ElementsAre(kilobyte, kilobyte, kilobyte));
  for (int i = 0; i < 11; ++i) tail.add(piece(1001, kilobyte, i == 0, false));
  EXPECT_TRUE(tail.is_too_long());
  EXPECT_THAT(texts(tail), IsEmpty());
}

}  // namespace
}  // namespace stagebox::cli
