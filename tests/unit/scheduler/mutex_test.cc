// The `mutex` of a stage as the pipeline has it. What the groups do is ReadyQueue's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/file/parse_pipeline.h"

namespace stagebox::scheduler {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::variant<Pipeline, Diagnostics> parsed_mutexes(const std::string& stages,
                                                   const std::string& defaults = "") {
  return parse_pipeline("f", "stagebox: 1\nimages: {i: {name: x}}\ndefaults: {image: i" + defaults +
                                 "}\nstages:\n" + stages);
}

Stage with_mutex(const std::string& mutex, const std::string& defaults = "") {
  const auto result = parsed_mutexes("  s: {run: x, mutex: " + mutex + "}\n", defaults);
  if (const auto* wrong = std::get_if<Diagnostics>(&result)) ADD_FAILURE() << wrong->render();
  return std::get<Pipeline>(result).stages.front();
}

std::string mutex_mistakes(const std::string& stages) {
  return std::get<Diagnostics>(parsed_mutexes(stages)).render();
}
std::string mutex_mistakes_of(const std::string& mutex) {
  return mutex_mistakes("  s: {run: x, mutex: " + mutex + "}\n");
}

TEST(MutexAcross, HoldsInARunUnlessItSaysAcrossRuns) {
  EXPECT_THAT(with_mutex("deploy").mutex_across_runs, IsEmpty());
  EXPECT_THAT(with_mutex("{name: deploy}").mutex, ElementsAre("deploy"));
  EXPECT_THAT(with_mutex("{name: deploy, across: run}").mutex_across_runs, IsEmpty());
  const Stage one = with_mutex("{name: deploy, across: runs}");
  EXPECT_THAT(one.mutex, ElementsAre("deploy"));
  EXPECT_THAT(one.mutex_across_runs, ElementsAre("deploy"));
  const Stage several = with_mutex("[z, {name: y, across: runs}, {across: runs, name: a}, z]");
  EXPECT_THAT(several.mutex, ElementsAre("a", "y", "z"));
  EXPECT_THAT(several.mutex_across_runs, ElementsAre("a", "y"));
}

TEST(MutexAcross, OfTwiceTheSameTheWiderOneCounts) {
  for (const char* both : {"[d, {name: d, across: runs}]", "[{name: d, across: runs}, d]"}) {
    EXPECT_THAT(with_mutex(both).mutex, ElementsAre("d")) << both;
    EXPECT_THAT(with_mutex(both).mutex_across_runs, ElementsAre("d")) << both;
  }
}

TEST(MutexAcross, AStagesOwnStandInsteadOfTheDefault) {
  const std::string defaults = ", mutex: {name: d, across: runs}";
  EXPECT_THAT(with_mutex("e", defaults).mutex, ElementsAre("e"));
  EXPECT_THAT(with_mutex("e", defaults).mutex_across_runs, IsEmpty());
  EXPECT_THAT(with_mutex("[]", defaults).mutex_across_runs, IsEmpty());
  const auto inherited = parsed_mutexes("  s: {run: x}\n", defaults);
  EXPECT_THAT(std::get<Pipeline>(inherited).stages.front().mutex_across_runs, ElementsAre("d"));
}

TEST(MutexAcross, MistakesHaveAPlace) {
  EXPECT_THAT(mutex_mistakes_of("{across: runs}"), HasSubstr("f:5:22: this mutex has no `name`"));
  EXPECT_THAT(mutex_mistakes_of("[a, {name: b/c}]"), HasSubstr("f:5:33: invalid mutex name `b/c`"));
  EXPECT_THAT(mutex_mistakes_of("{name: a, across: hosts}"),
              HasSubstr("f:5:40: `across` must be `run` or `runs`, found `hosts`"));
  EXPECT_THAT(mutex_mistakes_of("{group: a}"),
              AllOf(HasSubstr("f:5:23: unknown key `group` in a mutex"),
                    HasSubstr("did you mean `name`?"), HasSubstr("has no `name`")));
  EXPECT_THAT(mutex_mistakes_of("[[a]]"), HasSubstr("f:5:23: `mutex` must be the name of a group"));
  EXPECT_THAT(mutex_mistakes_of("{name: [a]}"), HasSubstr("`mutex` must be the name of a group"));
}

TEST(MutexAcross, IsTheSameInAllStages) {
  EXPECT_EQ(mutex_mistakes("  a: {run: x, mutex: {name: d, across: runs}}\n"
                           "  b: {run: x, mutex: [d, e]}\n  c: {run: x, mutex: e}\n"),
            "f:6:3: the mutex `d` holds across runs in the stage `a` and not in `b`; write {name: "
            "d, across: runs} in both\n");
  EXPECT_THAT(
      mutex_mistakes("  a: {run: x, mutex: d}\n  b: {run: x, mutex: {name: d, across: runs}}\n"),
      HasSubstr("in the stage `b` and not in `a`"));
}

}  // namespace
}  // namespace stagebox::scheduler
