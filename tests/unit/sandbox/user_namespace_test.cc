#include "sandbox/user_namespace.h"

#include <gtest/gtest.h>

#include "sandbox/id_map.h"
#include "tests/support/temp_dir.h"

namespace stagebox::sandbox {
namespace {

class SubordinateRangeTest : public ::testing::Test {
 protected:
  std::optional<SubordinateRange> find(const std::string& content) {
    EXPECT_TRUE(base::replace_file_at(dir_.fd(), "subuid", content, 0600).ok());
    return find_subordinate_range(dir_.path("subuid"), "ada", 1815);
  }
  stagebox::testing::TempDir dir_;
};

TEST_F(SubordinateRangeTest, IsFoundByNameOrNumberAndTheLargestWins) {
  EXPECT_EQ(find("ada:100000:65536\n")->first, 100000U);
  EXPECT_EQ(find("1815:200000:65536\n")->first, 200000U);
  EXPECT_EQ(find("ada:1:10\nbob:5:99999\nada:300000:70000\n")->count, 70000U);
}

TEST_F(SubordinateRangeTest, IgnoresOthersAndNonsense) {
  EXPECT_FALSE(find(""));
  EXPECT_FALSE(find("bob:100000:65536\nadam:1:1\n"));
  EXPECT_FALSE(find("ada:x:65536\nada:1\nada\n:::\nada:-1:5\nada:1:99999999999\n"));
  EXPECT_FALSE(find_subordinate_range(dir_.path("missing"), "ada", 1815));
}

TEST(IdMap, IsOneLineOfTheKernelsFormat) {
  EXPECT_EQ((IdMap{100000, 65536}.line()), "0 100000 65536\n");
}

}  // namespace
}  // namespace stagebox::sandbox
