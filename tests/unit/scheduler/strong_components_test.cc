#include "scheduler/strong_components.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace stagebox::scheduler {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(StrongComponents, WithoutCyclesEachNodeIsItsOwn) {
  EXPECT_THAT(strong_components({}), IsEmpty());
  EXPECT_THAT(strong_components({{1, 2}, {2}, {}}), ElementsAre(0, 1, 2));
  EXPECT_THAT(strong_components({{}, {0, 0}, {1, 2}}), ElementsAre(0, 1, 2));
}

TEST(StrongComponents, AreNamedByTheirSmallestNode) {
  EXPECT_THAT(strong_components({{3}, {2}, {1}, {0}}), ElementsAre(0, 1, 1, 0));
  // Reached from 0, which is in none.
  EXPECT_THAT(strong_components({{3}, {}, {1, 3}, {4}, {2}}), ElementsAre(0, 1, 2, 2, 2));
  // Two cycles with a node in common, one of them over an edge to what is still open.
  EXPECT_THAT(strong_components({{1}, {2, 3}, {0}, {4}, {1}}), Each(0));
  // An edge to a component that is complete joins nothing.
  EXPECT_THAT(strong_components({{1}, {0}, {0, 3}, {2}}), ElementsAre(0, 0, 2, 2));
}

TEST(StrongComponents, DepthCostsNoStack) {
  constexpr std::size_t kNodes = 300'000;
  Successors chain(kNodes);
  for (std::size_t i = 0; i + 1 < kNodes; ++i) chain[i].push_back(i + 1);
  EXPECT_EQ(strong_components(chain).back(), kNodes - 1);
  chain.back().push_back(0);
  EXPECT_THAT(strong_components(chain), Each(0));
}

}  // namespace
}  // namespace stagebox::scheduler
