#include "sandbox/spec/number_list.h"

#include <gtest/gtest.h>

namespace stagebox::sandbox {
namespace {

TEST(NumberList, NumbersAndRanges) {
  const auto mask = parse_number_list("0-3,7,64,1023");
  ASSERT_TRUE(mask.ok());
  EXPECT_EQ((*mask)[0], 0x8fU);
  EXPECT_EQ((*mask)[1], 1U);
  EXPECT_EQ((*mask)[15], std::uint64_t{1} << 63U);
}

TEST(NumberList, WhatIsNoListIsRefused) {
  for (const char* text : {"", ",", "1,", "-1", "3-1", "1-", "a", "0x1", "1024", "0-1024", " 1"})
    EXPECT_FALSE(parse_number_list(text).ok()) << text;
}

}  // namespace
}  // namespace stagebox::sandbox
