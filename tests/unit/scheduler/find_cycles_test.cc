#include "scheduler/find_cycles.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <ranges>

namespace stagebox::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(FindCycles, OfAGraphWithout) {
  EXPECT_THAT(find_cycles({}), IsEmpty());
  EXPECT_THAT(find_cycles({{1, 2}, {2}, {}}), IsEmpty());
}

TEST(FindCycles, OneOfEachComponent) {
  EXPECT_THAT(find_cycles({{3}, {2}, {1}, {0, 1}}), ElementsAre(Cycle{0, 3}, Cycle{1, 2}));
}

TEST(FindCycles, AShortestThroughTheSmallestNode) {
  EXPECT_THAT(find_cycles({{1}, {2, 3}, {1, 3}, {0}}), ElementsAre(Cycle{0, 1, 3}));
  // 1 and 2 are in a shorter one; it may be gone when the longer one is cut.
  EXPECT_THAT(find_cycles({{1}, {2}, {1, 3}, {0}}), ElementsAre(Cycle{0, 1, 2, 3}));
}

TEST(FindCycles, ANodeThatPointsToItselfIsOneOfItsOwn) {
  EXPECT_THAT(find_cycles({{0}}), ElementsAre(Cycle{0}));
  EXPECT_THAT(find_cycles({{1}, {1, 1}}), ElementsAre(Cycle{1}));
  EXPECT_THAT(find_cycles({{0, 1}, {0}, {2}}), ElementsAre(Cycle{0}, Cycle{0, 1}, Cycle{2}));
}

TEST(FindCycles, OfALargeGraph) {
  constexpr std::size_t kNodes = 100'000;
  Successors graph(kNodes);
  for (std::size_t i = 0; i < kNodes; ++i) {
    for (std::size_t step = 1; step <= 10 && i + step < kNodes; ++step)
      graph[i].push_back(i + step);
  }
  EXPECT_THAT(find_cycles(graph), IsEmpty());
  graph.back().push_back(0);
  const std::vector<Cycle> one = find_cycles(graph);
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(one.front().size(), kNodes / 10 + 1);
  for (std::size_t i = 0; i < kNodes; ++i) graph[i] = {i ^ 1U};
  EXPECT_EQ(find_cycles(graph).size(), kNodes / 2);
}

// Cutting what is told, again and again, comes to an end, and each is a cycle indeed.
TEST(FindCycles, OfRandomGraphs) {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    Successors graph(1 + random() % 12);
    for (auto& successors : graph) {
      for (std::size_t i = random() % 3; i > 0; --i) successors.push_back(random() % graph.size());
    }
    for (auto cycles = find_cycles(graph); !cycles.empty(); cycles = find_cycles(graph)) {
      EXPECT_TRUE(std::ranges::is_sorted(cycles, {}, [](const Cycle& c) { return c.front(); }));
      for (const Cycle& cycle : cycles) {
        EXPECT_EQ(std::ranges::min(cycle), cycle.front());
        for (std::size_t i = 0; i < cycle.size(); ++i)
          ASSERT_NE(std::erase(graph[cycle[i]], cycle[(i + 1) % cycle.size()]), 0U);
      }
    }
  }
}

}  // namespace
}  // namespace stagebox::scheduler
