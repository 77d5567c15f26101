// Slots, weights, exclusion and fairness.
#include "scheduler/ready_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "scheduler/file/parse_pipeline.h"
#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::scheduler {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30U;

struct Wants {
  double cpus = 0;
  std::uint64_t memory = 0;
  std::vector<std::string> mutex = {};
};

Plan plan_of(const std::vector<Wants>& stages) {
  Pipeline pipeline;
  for (const Wants& wants : stages) {
    Stage stage;
    stage.id = "s" + std::to_string(pipeline.stages.size());
    if (wants.cpus > 0) stage.resources.cpus = wants.cpus;
    if (wants.memory > 0) stage.resources.memory = wants.memory;
    stage.mutex = wants.mutex;
    pipeline.stages.push_back(std::move(stage));
  }
  return make_plan(std::move(pipeline)).value();
}

ReadyQueue queue_of(const Plan& plan, unsigned slots, Capacity capacity = {}) {
  ReadyQueue queue(plan, {}, slots, capacity);
  for (const PlannedStage& stage : plan.stages()) queue.add(stage.index);
  return queue;
}

std::vector<std::size_t> take_all(ReadyQueue& queue) {
  std::vector<std::size_t> taken;
  while (const auto index = queue.take()) taken.push_back(*index);
  return taken;
}

TEST(ReadyQueue, TakesNoMoreThanThereAreSlots) {
  const Plan plan = plan_of({{}, {}, {}});
  ReadyQueue queue = queue_of(plan, 2);
  EXPECT_THAT(take_all(queue), ElementsAre(0, 1));
  queue.release(0);
  EXPECT_THAT(take_all(queue), ElementsAre(2));
  ReadyQueue single = queue_of(plan, 0);
  EXPECT_THAT(take_all(single), ElementsAre(0));
}

TEST(ReadyQueue, TheMostUrgentComesFirst) {
  const Plan plan = plan_of({{}, {}, {}, {}});
  ReadyQueue queue(plan, {5, 9, 5, 7}, 8, {});
  for (const std::size_t index : {0U, 1U, 2U, 3U}) queue.add(index);
  EXPECT_THAT(take_all(queue), ElementsAre(1, 3, 0, 2));
}

TEST(ReadyQueue, WhatRunsNeverDeclaresMoreThanThereIs) {
  const Plan plan = plan_of({{.cpus = 1.5}, {.cpus = 0.5}, {.cpus = 0.25}, {}});
  ReadyQueue queue = queue_of(plan, 8, {.cpus = 2});
  EXPECT_THAT(take_all(queue), ElementsAre(0, 1, 3)) << "what declares nothing weighs nothing";
  queue.release(1);
  EXPECT_THAT(take_all(queue), ElementsAre(2));
  const Plan memory = plan_of({{.memory = 3 * kGiB}, {.memory = 2 * kGiB}, {.memory = kGiB}});
  ReadyQueue other = queue_of(memory, 8, {.memory = 4 * kGiB});
  EXPECT_THAT(take_all(other), ElementsAre(0, 2));
}

TEST(ReadyQueue, ManySmallPartsAddUpExactly) {
  const Plan plan = plan_of(std::vector<Wants>(10, {.cpus = 0.1}));
  ReadyQueue queue = queue_of(plan, 100, {.cpus = 1});
  EXPECT_EQ(take_all(queue).size(), 10U);
}

TEST(ReadyQueue, ABigStageIsNotStarvedBySmallOnes) {
  std::vector<Wants> stages{{.cpus = 1}, {.cpus = 2}};
  stages.resize(200, {.cpus = 1});
  const Plan plan = plan_of(stages);
  ReadyQueue queue = queue_of(plan, 8, {.cpus = 2});
  ASSERT_EQ(queue.take(), 0U);
  // There is always a small one running; the big one has no room besides it.
  std::size_t running = 0;
  unsigned overtakings = 0;
  for (;;) {
    const auto next = queue.take();
    queue.release(running);
    if (!next) break;
    ++overtakings;
    running = *next;
  }
  EXPECT_EQ(overtakings, ReadyQueue::kMostOvertakings);
  EXPECT_EQ(queue.take(), 1U) << "nothing else had been started";
}

TEST(ReadyQueue, AStageThatNeedsMoreThanThereIsRunsAlone) {
  const Plan plan = plan_of({{.cpus = 9}, {.cpus = 1}});
  ReadyQueue queue = queue_of(plan, 8, {.cpus = 2});
  EXPECT_THAT(take_all(queue), ElementsAre(0));
  queue.release(0);
  EXPECT_THAT(take_all(queue), ElementsAre(1));
}

TEST(ReadyQueue, OfAMutexGroupOneRunsAtATime) {
  const Plan plan = plan_of({{.mutex = {"db"}}, {.mutex = {"db"}}, {}, {.mutex = {"db"}}});
  ReadyQueue queue = queue_of(plan, 8);
  EXPECT_THAT(take_all(queue), ElementsAre(0, 2)) << "a free stage does not wait for the group";
  queue.release(2);
  EXPECT_TRUE(take_all(queue).empty());
  queue.release(0);
  EXPECT_THAT(take_all(queue), ElementsAre(1));
  queue.release(1);
  EXPECT_THAT(take_all(queue), ElementsAre(3));
}

TEST(ReadyQueue, AStageOfSeveralGroupsLeavesThemToOthersMeanwhile) {
  const Plan plan =
      plan_of({{.mutex = {"a"}}, {.mutex = {"b"}}, {.mutex = {"a", "b"}}, {.mutex = {"a"}}});
  ReadyQueue queue = queue_of(plan, 8);
  EXPECT_THAT(take_all(queue), ElementsAre(0, 1));
  queue.release(0);
  EXPECT_THAT(take_all(queue), ElementsAre(3)) << "2 still waits for b";
  queue.release(1);
  EXPECT_TRUE(take_all(queue).empty());
  queue.release(3);
  EXPECT_THAT(take_all(queue), ElementsAre(2));
}

TEST(ReadyQueue, ARemovedStageLeavesItsTurnToTheNext) {
  const Plan plan = plan_of({{.mutex = {"a"}}, {.mutex = {"a"}}, {.mutex = {"a"}}});
  ReadyQueue queue = queue_of(plan, 8);
  EXPECT_THAT(take_all(queue), ElementsAre(0));
  queue.release(0);  // Wakes 1.
  queue.remove(1);
  EXPECT_THAT(queue.stages(), ElementsAre(2));
  EXPECT_THAT(take_all(queue), ElementsAre(2));
}

// Every stage of random plans starts, and no rule is broken on the way.
TEST(ReadyQueue, NothingIsForgotten) {
  std::minstd_rand random(7);
  const auto below = [&](unsigned bound) { return static_cast<unsigned>(random() % bound); };
  for (int round = 0; round < 200; ++round) {
    std::vector<Wants> stages(30);
    for (Wants& wants : stages) {
      wants.cpus = below(3) == 0 ? 0 : 0.5 * (1 + below(4));
      for (const char* name : {"a", "b", "c"})
        if (below(3) == 0) wants.mutex.emplace_back(name);
    }
    const Plan plan = plan_of(stages);
    ReadyQueue queue = queue_of(plan, 1 + below(6), {.cpus = 2});
    std::vector<std::size_t> running;
    std::size_t started = 0;
    while (started < stages.size() || !running.empty()) {
      while (const auto index = queue.take()) {
        running.push_back(*index);
        ++started;
      }
      ASSERT_FALSE(running.empty()) << "round " << round << ": stuck after " << started;
      double cpus = 0;
      std::multiset<std::string> groups;
      for (const std::size_t index : running) {
        cpus += stages[index].cpus;
        groups.insert(stages[index].mutex.begin(), stages[index].mutex.end());
      }
      ASSERT_LE(cpus, 2);
      for (const std::string& name : groups) ASSERT_EQ(groups.count(name), 1U);
      const std::size_t ends = below(static_cast<unsigned>(running.size()));
      queue.release(running[ends]);
      running.erase(running.begin() + static_cast<std::ptrdiff_t>(ends));
    }
  }
}

TEST(ReadyQueue, TenThousandStagesOfOneGroupAreNoWork) {
  const Plan plan = plan_of(std::vector<Wants>(10'000, {.cpus = 1, .mutex = {"a"}}));
  ReadyQueue queue = queue_of(plan, 8, {.cpus = 2});
  for (std::size_t i = 0; i < plan.size(); ++i) {
    ASSERT_THAT(take_all(queue), ElementsAre(i));
    queue.release(i);
  }
}

std::string refused(std::string_view stages, Capacity capacity) {
  const auto parsed = parse_pipeline("stagebox.yaml",
                                     "stagebox: 1\nimages: {i: {name: x}}\ndefaults: {image: i, "
                                     "resources: {cpus: 4}}\nstages:\n" +
                                         std::string(stages));
  const auto& pipeline = std::get<Pipeline>(parsed);
  const Plan plan = make_plan(pipeline).value();
  Diagnostics mistakes("stagebox.yaml");
  check_capacity(plan, capacity, mistakes);
  return mistakes.render();
}

TEST(Capacity, WhatCanNeverRunHereIsRefusedWithItsPlace) {
  const Capacity two{.cpus = 2, .memory = 8 * kGiB};
  const std::string own = refused("  a: {run: x, resources: {cpus: 2.5}}\n", two);
  EXPECT_THAT(own,
              HasSubstr("stagebox.yaml:5:33: the stage `a` asks for 2.5 cpus, but Stagebox can "
                        "use only 2 here"));
  EXPECT_THAT(refused("  a: {run: x}\n", two), HasSubstr("stagebox.yaml:3:40: the stage `a`"));
  EXPECT_THAT(refused("  a: {run: x, resources: {cpus: 2, memory: 9GiB}}\n", two),
              HasSubstr("5:44: the stage `a` asks for 9.0 GiB of memory"));
  EXPECT_EQ(refused("  a: {run: x, resources: {cpus: 2, memory: 8GiB}}\n", two), "");
}

TEST(Capacity, WhatNoDiskOrMemoryHoldsIsRefused) {
  const Capacity small{.cpus = 8, .memory = 8 * kGiB, .disk = 100 * kGiB};
  EXPECT_THAT(refused("  a: {run: x, resources: {disk: 101GiB}}\n", small),
              HasSubstr("5:33: the stage `a` asks for 101 GiB of disk, but Stagebox can use only "
                        "100 GiB here"));
  EXPECT_THAT(refused("  a: {run: x, resources: {shm_size: 9GiB}}\n", small),
              HasSubstr("the stage `a` asks for 9.0 GiB in /dev/shm"));
  EXPECT_EQ(refused("  a: {run: x, resources: {disk: 100GiB, shm_size: 8GiB}}\n", small), "");
}

TEST(Capacity, WhatIsSkippedMayAskForAnything) {
  const Capacity small{.cpus = 8, .memory = 8 * kGiB, .disk = 100 * kGiB};
  const std::string wants = "run: x, resources: {disk: 101GiB, memory: 9GiB, cpus: 99}}\n";
  EXPECT_EQ(refused("  a: {if: \"'a' == 'b'\", " + wants, small), "");
  EXPECT_NE(refused("  a: {if: \"'a' == 'a'\", " + wants, small), "");
}

std::vector<std::string> groups_of(std::string_view mutex) {
  const auto parsed =
      parse_pipeline("stagebox.yaml",
                     "stagebox: 1\nimages: {i: {name: x}}\nstages: {s: {image: i, run: x, mutex: " +
                         std::string(mutex) + "}}\n");
  if (const auto* wrong = std::get_if<Diagnostics>(&parsed)) return {wrong->render()};
  return std::get<Pipeline>(parsed).stages[0].mutex;
}

TEST(Mutex, IsANameOrAList) {
  EXPECT_THAT(groups_of("db"), ElementsAre("db"));
  EXPECT_THAT(groups_of("[port-80, db, port-80]"), ElementsAre("db", "port-80"));
  EXPECT_THAT(groups_of("[]"), ElementsAre());
  EXPECT_THAT(groups_of("a/b"), ElementsAre(HasSubstr("3:39: invalid mutex name `a/b`")));
  EXPECT_THAT(groups_of("[[a]]"), ElementsAre(HasSubstr("`mutex` must be the name of a group")));
}

}  // namespace
}  // namespace stagebox::scheduler
