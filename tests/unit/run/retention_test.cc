#include <gmock/gmock.h>

#include "runtime/run/state/content_budget.h"

namespace stagebox::run {
namespace {

using std::chrono::hours;
using std::chrono::system_clock;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

ContentOwner owner(int age, bool fixed = false) {
  return {.used = system_clock::time_point() + hours(1000 - age), .fixed = fixed};
}

ContentOwner untrusted_owner(int age) {
  ContentOwner fork = owner(age);
  fork.trust = base::Trust::kUntrusted;
  return fork;
}

ContentPart part(const std::string& name, std::uint64_t bytes) {
  return {base::Sha256::of(name), bytes};
}

TEST(BeyondBudget, TheOldestGoFirst) {
  const std::vector<ContentOwner> owners{owner(3), owner(1), owner(2)};
  const std::vector<std::vector<ContentPart>> parts{
      {part("a", 10)}, {part("b", 10)}, {part("c", 10)}};
  EXPECT_THAT(beyond_budget(owners, parts, 30), IsEmpty());
  EXPECT_THAT(beyond_budget(owners, parts, 29), ElementsAre(0));
  EXPECT_THAT(beyond_budget(owners, parts, 19), ElementsAre(2, 0));
  EXPECT_THAT(beyond_budget(owners, parts, 0), ElementsAre(1, 2, 0));
}

TEST(BeyondBudget, WhatIsSharedCountsOnce) {
  const std::vector<ContentOwner> owners{owner(1), owner(2), owner(3)};
  const std::vector<std::vector<ContentPart>> parts{
      {part("a", 10)}, {part("a", 10)}, {part("a", 10), part("b", 1)}};
  EXPECT_THAT(beyond_budget(owners, parts, 10), ElementsAre(2));
}

TEST(BeyondBudget, WhatIsTwiceInOneOwnerCountsOnce) {
  const std::vector<ContentOwner> owners{owner(1), owner(2)};
  const std::vector<std::vector<ContentPart>> parts{{part("a", 10), part("a", 10), part("a", 10)},
                                                    {part("b", 10), part("b", 10)}};
  EXPECT_THAT(beyond_budget(owners, parts, 20), IsEmpty());
  EXPECT_THAT(beyond_budget(owners, parts, 19), ElementsAre(1));
}

TEST(BeyondBudget, WhatForksUseDisplacesNothingThatIsTrusted) {
  const std::vector<ContentOwner> owners{untrusted_owner(1), owner(3), untrusted_owner(2),
                                         owner(4)};
  const std::vector<std::vector<ContentPart>> parts{
      {part("a", 10)}, {part("b", 10)}, {part("c", 10)}, {part("d", 10)}};
  EXPECT_THAT(beyond_budget(owners, parts, 39), ElementsAre(2));
  EXPECT_THAT(beyond_budget(owners, parts, 20), ElementsAre(0, 2));
  EXPECT_THAT(beyond_budget(owners, parts, 10), ElementsAre(3, 0, 2));
}

TEST(BeyondBudget, WhoNeedsOnlyWhatOthersKeepIsNotBeyond) {
  const std::vector<ContentOwner> owners{owner(1), owner(2), owner(3), owner(4)};
  const std::vector<std::vector<ContentPart>> parts{
      {part("a", 10)}, {part("b", 10)}, {part("a", 10)}, {part("c", 1)}};
  EXPECT_THAT(beyond_budget(owners, parts, 15), ElementsAre(1, 3))
      << "oldest first, though it fits";
}

TEST(BeyondBudget, WhatIsFixedStaysAndCounts) {
  const std::vector<ContentOwner> owners{owner(9, true), owner(1), owner(2)};
  const std::vector<std::vector<ContentPart>> parts{
      {part("a", 10)}, {part("b", 10)}, {part("c", 10)}};
  EXPECT_THAT(beyond_budget(owners, parts, 20), ElementsAre(2));
  EXPECT_THAT(beyond_budget(owners, parts, 5), ElementsAre(1, 2));
}

}  // namespace
}  // namespace stagebox::run
