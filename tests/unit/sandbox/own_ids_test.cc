#include "sandbox/ids/own_ids.h"

#include <gtest/gtest.h>

namespace stagebox::sandbox {
namespace {

TEST(OwnIds, TheMachinesRootHasAll) {
  const OwnIds all = OwnIds::parse("         0          0 4294967295\n");
  EXPECT_TRUE(all.has(0x70000000, 0x0FFF0001));
  EXPECT_FALSE(all.has(4294967290, 6));
}

// A rootless container's: the user's own id, and those of /etc/subuid.
TEST(OwnIds, AContainersRootHasWhatIsBesideItsOwn) {
  const OwnIds ids = OwnIds::parse("0 1000 1\n1 100000 65536\n");
  EXPECT_FALSE(ids.has(0x70000000, 1));
  EXPECT_TRUE(ids.has(1, 65536));
  EXPECT_FALSE(ids.has(0, 2)) << "two pieces are no range";
  const auto range = ids.beside_root();
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 1U);
  EXPECT_EQ(range->count, 65536U);
}

TEST(OwnIds, TheLargestPieceCounts) {
  const auto range =
      OwnIds::parse("0 100000 1000\n5000 200000 2000\n9000 300000 10\n").beside_root();
  ASSERT_TRUE(range);
  EXPECT_EQ(range->first, 5000U);
  const auto cut = OwnIds::parse("0 100000 1000\n").beside_root();
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->first, 1U);
  EXPECT_EQ(cut->count, 999U);
}

TEST(OwnIds, ASingleOneHasNothingBeside) {
  EXPECT_FALSE(OwnIds::parse("0 1000 1\n").beside_root());
  EXPECT_FALSE(OwnIds::parse("").beside_root());
}

}  // namespace
}  // namespace stagebox::sandbox
