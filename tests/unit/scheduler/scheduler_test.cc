#include "scheduler/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <span>
#include <stdexcept>
#include <thread>

#include "scheduler/file/parse_pipeline.h"
#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::scheduler {
namespace {

using ::testing::HasSubstr;

class FakeRunner : public StageRunner {
 public:
  using Function = std::function<StageOutcome(const PlannedStage&, const CancelToken&)>;
  explicit FakeRunner(Function function) : function_(std::move(function)) {}

  StageOutcome run(const PlannedStage& stage, const StageAttempt& attempt) override {
    attempt.begins();
    const int now = ++running_;
    int most = most_.load();
    while (now > most && !most_.compare_exchange_weak(most, now)) {
    }
    ++runs_;
    StageOutcome outcome{StageState::kError, "threw"};
    try {
      outcome = function_(stage, attempt.cancel);
    } catch (...) {
      --running_;
      throw;
    }
    --running_;
    return outcome;
  }
  int most() const { return most_; }
  int runs() const { return runs_; }

 private:
  Function function_;
  std::atomic<int> running_{0};
  std::atomic<int> most_{0};
  std::atomic<int> runs_{0};
};

class Recorder : public RunObserver {
 public:
  void on_changes(std::span<const StageChange> changes) override {
    EXPECT_EQ(inside_.exchange(true), false) << "calls must not overlap";
    ++calls_;
    for (const StageChange& change : changes) {
      states_.emplace_back(change.stage->stage.id, change.outcome.state);
      times_.push_back(change.at);
      if (then_) then_(*change.stage, change.outcome);
    }
    inside_ = false;
  }
  std::vector<StageState> states_of(const std::string& id) const {
    std::vector<StageState> states;
    for (const auto& [stage, state] : states_) {
      if (stage == id) states.push_back(state);
    }
    return states;
  }
  std::function<void(const PlannedStage&, const StageOutcome&)> then_;
  std::vector<std::pair<std::string, StageState>> states_;
  std::vector<std::chrono::system_clock::time_point> times_;
  std::size_t calls_ = 0;

 private:
  std::atomic<bool> inside_{false};
};

StageOutcome succeed(const PlannedStage& /*stage*/, const CancelToken& /*cancel*/) {
  return {StageState::kSucceeded, ""};
}

StageOutcome wait_for_cancel(const CancelToken& token) {
  pollfd entry{.fd = token.poll_fd(), .events = POLLIN, .revents = 0};
  const int ready = ::poll(&entry, 1, 30'000);
  return {ready == 1 ? StageState::kCancelled : StageState::kError, ""};
}

RunSummary run(const Plan& plan, StageRunner& runner, RunObserver& observer, unsigned jobs) {
  return Scheduler(plan, runner, observer, {.jobs = jobs}, CancelToken::create().value())
      .run()
      .value();
}

TEST(Scheduler, RunsEveryStageAfterWhatItNeeds) {
  const Plan plan = testing::plan("a; b: a; c: a.out; d: b, c; e");
  for (const unsigned jobs : {0U, 1U, 2U, 64U}) {
    FakeRunner runner(succeed);
    Recorder recorder;
    const RunSummary summary = run(plan, runner, recorder, jobs);
    EXPECT_EQ(summary.result, RunResult::kSuccess);
    EXPECT_EQ(runner.runs(), 5);
    EXPECT_LE(runner.most(), static_cast<int>(std::max(1U, jobs)));
    EXPECT_THAT(
        recorder.states_of("d"),
        ::testing::ElementsAre(StageState::kReady, StageState::kRunning, StageState::kSucceeded));
    EXPECT_EQ(recorder.states_.size(), 15U);
  }
}

TEST(Scheduler, RunsStagesAtTheSameTime) {
  const Plan plan = testing::plan("a; b; c");
  std::atomic<int> arrived{0};
  FakeRunner runner([&](const PlannedStage&, const CancelToken&) -> StageOutcome {
    ++arrived;
    arrived.notify_all();
    // Returns only when all three are inside at once.
    for (int now = arrived.load(); now < 3; now = arrived.load()) arrived.wait(now);
    return {StageState::kSucceeded, ""};
  });
  Recorder recorder;
  EXPECT_EQ(run(plan, runner, recorder, 3).result, RunResult::kSuccess);
  EXPECT_EQ(runner.most(), 3);
}

TEST(Scheduler, ReportsTheWorstResult) {
  const Plan plan = testing::plan("a; b; c?; d: a");
  FakeRunner runner([](const PlannedStage& stage, const CancelToken&) -> StageOutcome {
    if (stage.stage.id == "a") return {StageState::kFailed, "exit status 1"};
    if (stage.stage.id == "b") return {StageState::kError, "no space"};
    return {StageState::kFailed, ""};
  });
  Recorder recorder;
  const RunSummary summary = run(plan, runner, recorder, 2);
  EXPECT_EQ(summary.result, RunResult::kError);
  EXPECT_EQ(summary.stages[0].detail, "exit status 1");
  EXPECT_EQ(summary.stages[2].state, StageState::kAllowedFailure);
  EXPECT_EQ(summary.stages[3].state, StageState::kSkipped);
  EXPECT_EQ(runner.runs(), 3);
}

TEST(Scheduler, AllowedFailuresAreNoFailure) {
  const Plan plan = testing::plan("a?; b: a");
  FakeRunner runner([](const PlannedStage& stage, const CancelToken&) -> StageOutcome {
    return {stage.index == 0 ? StageState::kFailed : StageState::kCached, ""};
  });
  Recorder recorder;
  EXPECT_EQ(run(plan, runner, recorder, 1).result, RunResult::kSuccess);
}

// Puts `a` off until `b` has run.
class PatientRunner : public StageRunner {
 public:
  StageOutcome run(const PlannedStage& stage, const StageAttempt& attempt) override {
    order_ += stage.stage.id;
    if (stage.stage.id == "a" && order_.find('b') == std::string::npos)
      return {.state = StageState::kReady, .retry_in = std::chrono::milliseconds(1)};
    attempt.begins();
    return {StageState::kSucceeded, ""};
  }
  std::string order_;
};

TEST(Scheduler, AStageThatIsPutOffIsRunAgainAndLeavesItsSlot) {
  const Plan plan = testing::plan("a; b; c: a");
  PatientRunner runner;
  Recorder recorder;
  EXPECT_EQ(run(plan, runner, recorder, 1).result, RunResult::kSuccess);
  EXPECT_EQ(runner.order_, "abac");
}

TEST(Scheduler, TakesAMisbehavingRunnerAsOurFailure) {
  const Plan plan = testing::plan("a; b; c; d");
  FakeRunner runner([](const PlannedStage& stage, const CancelToken&) -> StageOutcome {
    if (stage.index == 0) throw std::runtime_error("boom");
    if (stage.index == 1) throw 42;  // NOLINT: exactly what must not get through
    return {stage.index == 2 ? StageState::kRunning : StageState::kSkipped, ""};
  });
  Recorder recorder;
  const RunSummary summary = run(plan, runner, recorder, 2);
  for (const StageOutcome& outcome : summary.stages) EXPECT_EQ(outcome.state, StageState::kError);
  EXPECT_THAT(summary.stages[0].detail, HasSubstr("boom"));
}

TEST(Scheduler, CancelStopsRunningStagesAndStartsNoOther) {
  const Plan plan = testing::plan("a; b; c; d: a");
  FakeRunner runner(
      [](const PlannedStage&, const CancelToken& token) { return wait_for_cancel(token); });
  Recorder recorder;
  Scheduler scheduler(plan, runner, recorder, {.jobs = 2}, CancelToken::create().value());
  int started = 0;
  recorder.then_ = [&](const PlannedStage&, const StageOutcome& outcome) {
    if (outcome.state == StageState::kRunning && ++started == 2) scheduler.cancel();
  };
  const RunSummary summary = scheduler.run().value();
  EXPECT_EQ(summary.result, RunResult::kCancelled);
  EXPECT_EQ(runner.runs(), 2);
  for (const StageOutcome& outcome : summary.stages)
    EXPECT_EQ(outcome.state, StageState::kCancelled);
  for (const char* id : {"a", "b", "c", "d"})
    EXPECT_EQ(recorder.states_of(id).back(), StageState::kCancelled) << id;
}

TEST(Scheduler, CancelFromOutside) {
  const Plan plan = testing::plan("a; b: a");
  FakeRunner runner(
      [](const PlannedStage&, const CancelToken& token) { return wait_for_cancel(token); });
  Recorder recorder;
  Scheduler scheduler(plan, runner, recorder, {.jobs = 1}, CancelToken::create().value());
  std::thread canceller([&] {
    scheduler.cancel();
    scheduler.cancel();
  });
  EXPECT_EQ(scheduler.run()->result, RunResult::kCancelled);
  canceller.join();
}

TEST(Scheduler, ATokenCancelledByAnotherHolderStartsNoOther) {
  const Plan plan = testing::plan("a; b; c: a");
  FakeRunner runner([](const PlannedStage&, const CancelToken& token) -> StageOutcome {
    token.cancel();
    return {StageState::kSucceeded, ""};
  });
  Recorder recorder;
  const RunSummary summary = run(plan, runner, recorder, 1);
  EXPECT_EQ(summary.result, RunResult::kCancelled);
  EXPECT_EQ(runner.runs(), 1);
  EXPECT_EQ(summary.stages[0].state, StageState::kSucceeded);
  EXPECT_EQ(recorder.states_of("c").back(), StageState::kCancelled);
}

TEST(Scheduler, AStageWokenByCancelMakesNoRoomForAnother) {
  // Ends the instant that its token is cancelled, which is when a third stage could slip in.
  for (int round = 0; round < 200; ++round) {
    const Plan plan = testing::plan("a; b; c; d; e");
    FakeRunner runner([](const PlannedStage&, const CancelToken& token) -> StageOutcome {
      while (!token.cancelled()) std::this_thread::yield();
      return {StageState::kCancelled, ""};
    });
    Recorder recorder;
    Scheduler scheduler(plan, runner, recorder, {.jobs = 2}, CancelToken::create().value());
    int started = 0;
    recorder.then_ = [&](const PlannedStage&, const StageOutcome& outcome) {
      if (outcome.state == StageState::kRunning && ++started == 2) scheduler.cancel();
    };
    EXPECT_EQ(scheduler.run()->result, RunResult::kCancelled);
    ASSERT_EQ(runner.runs(), 2) << "in round " << round;
  }
}

Plan retried_plan(std::string_view text, std::chrono::milliseconds backoff) {
  Pipeline pipeline = testing::pipeline(text);
  for (Stage& stage : pipeline.stages) stage.retry = {3, backoff, {RetryOn::kFailure}};
  return make_plan(std::move(pipeline)).value();
}

StageOutcome exit_with(int status) {
  return {.state = StageState::kFailed, .cause = FailureCause::kExit, .exit_status = status};
}

TEST(Scheduler, TriesAgainAfterAWait) {
  const Plan plan = retried_plan("a; b: a; c", std::chrono::milliseconds(5));
  std::atomic<int> tries{0};
  FakeRunner runner([&](const PlannedStage& stage, const CancelToken&) -> StageOutcome {
    if (stage.stage.id == "a" && ++tries < 3) return exit_with(1);
    return {StageState::kSucceeded, ""};
  });
  for (const unsigned jobs : {1U, 4U}) {
    tries = 0;
    Recorder recorder;
    const RunSummary summary = run(plan, runner, recorder, jobs);
    EXPECT_EQ(summary.result, RunResult::kSuccess);
    EXPECT_EQ(summary.stages[0].attempt, 3U);
    using enum StageState;
    EXPECT_THAT(recorder.states_of("a"),
                ::testing::ElementsAre(kReady, kRunning, kRetrying, kReady, kRunning, kRetrying,
                                       kReady, kRunning, kSucceeded));
  }
}

TEST(Scheduler, CancellingEndsAWaitForTheNextAttempt) {
  const Plan plan = retried_plan("a; b: a", std::chrono::minutes(10));
  for (const bool by_token : {true, false}) {
    FakeRunner runner([](const PlannedStage&, const CancelToken&) { return exit_with(1); });
    Recorder recorder;
    const CancelToken token = CancelToken::create().value();
    Scheduler scheduler(plan, runner, recorder, {.jobs = 2}, token);
    recorder.then_ = [&](const PlannedStage&, const StageOutcome& outcome) {
      if (outcome.state != StageState::kRetrying) return;
      if (by_token) token.cancel();
      if (!by_token) scheduler.cancel();
    };
    EXPECT_EQ(scheduler.run()->result, RunResult::kCancelled);
    EXPECT_EQ(runner.runs(), 1);
    EXPECT_EQ(recorder.states_of("a").back(), StageState::kCancelled);
  }
}

TEST(Scheduler, ARunThatTakesTooLongFails) {
  const Plan plan = testing::plan("a; b: a");
  FakeRunner runner(
      [](const PlannedStage&, const CancelToken& token) { return wait_for_cancel(token); });
  Recorder recorder;
  Scheduler scheduler(plan, runner, recorder, {.jobs = 1, .timeout = std::chrono::milliseconds(20)},
                      CancelToken::create().value());
  const RunSummary summary = scheduler.run().value();
  EXPECT_TRUE(summary.timed_out);
  EXPECT_EQ(summary.result, RunResult::kFailed);
  EXPECT_EQ(summary.stages[0].detail, "the run's timeout of 0.02s was reached");
  EXPECT_EQ(summary.stages[1].detail, "the run's timeout of 0.02s was reached before it started");
}

TEST(Scheduler, ATimeoutThatIsNotReachedChangesNothing) {
  const Plan plan = testing::plan("a; b: a");
  FakeRunner runner(succeed);
  Recorder recorder;
  Scheduler scheduler(plan, runner, recorder, {.jobs = 1, .timeout = std::chrono::hours(1)},
                      CancelToken::create().value());
  const RunSummary summary = scheduler.run().value();
  EXPECT_FALSE(summary.timed_out);
  EXPECT_EQ(summary.result, RunResult::kSuccess);
}

TEST(Scheduler, CancelBeforeTheRun) {
  const Plan plan = testing::plan("a; b: a");
  FakeRunner runner(succeed);
  Recorder recorder;
  Scheduler scheduler(plan, runner, recorder, {.jobs = 2}, CancelToken::create().value());
  scheduler.cancel();
  EXPECT_EQ(scheduler.run()->result, RunResult::kCancelled);
  EXPECT_EQ(runner.runs(), 0);
}

TEST(Scheduler, RunsAnEmptyPlan) {
  const Plan plan;
  FakeRunner runner(succeed);
  Recorder recorder;
  EXPECT_EQ(run(plan, runner, recorder, 4).result, RunResult::kSuccess);
}

std::string stages_text(int count, const std::function<std::string(int)>& needs) {
  std::string text = "stagebox: 1\nimages: {i: {name: x}}\ndefaults: {image: i}\nstages:\n";
  for (int i = 0; i < count; ++i)
    text += "  s" + std::to_string(i) + ": {run: x, needs: [" + needs(i) + "]}\n";
  return text;
}

void run_from_text(const std::string& text, std::size_t edges) {
  auto parsed = parse_pipeline("stagebox.yaml", text);
  ASSERT_TRUE(std::holds_alternative<Pipeline>(parsed)) << std::get<Diagnostics>(parsed).render();
  const Plan plan = make_plan(std::get<Pipeline>(std::move(parsed))).value();
  EXPECT_EQ(plan.edges().size(), edges);
  FakeRunner runner(succeed);
  class Nobody : public RunObserver {
    void on_changes(std::span<const StageChange> /*changes*/) override {}
  } nobody;
  EXPECT_EQ(run(plan, runner, nobody, 4).result, RunResult::kSuccess);
  EXPECT_EQ(static_cast<std::size_t>(runner.runs()), plan.size());
}

TEST(Scheduler, AChainOfTenThousandStagesFromFileToEnd) {
  run_from_text(
      stages_text(10'000, [](int i) { return i == 0 ? "" : "s" + std::to_string(i - 1); }), 9'999);
}

TEST(Scheduler, AHundredThousandEdgesFromFileToEnd) {
  run_from_text(stages_text(10'000,
                            [](int i) {
                              std::string needs;
                              for (int n = 0; i >= 100 && n < 11; ++n)
                                needs += (n == 0 ? "s" : ", s") +
                                         std::to_string(i / 100 * 100 - 100 + (i + 7 * n) % 100);
                              return needs;
                            }),
                108'900);
}

TEST(Scheduler, TellsEveryChangeInOrderUnderLoad) {
  std::string text;
  for (int i = 0; i < 300; ++i) {
    text += "s" + std::to_string(i);
    if (i >= 10) text += ": s" + std::to_string(i - 10) + ", s" + std::to_string(i / 2);
    text += ";";
  }
  const Plan plan = testing::plan(text);
  FakeRunner runner([](const PlannedStage& stage, const CancelToken&) -> StageOutcome {
    return {stage.index % 97 == 96 ? StageState::kFailed : StageState::kSucceeded, ""};
  });
  Recorder recorder;
  const RunSummary summary = run(plan, runner, recorder, 8);
  EXPECT_EQ(summary.result, RunResult::kFailed);
  for (const PlannedStage& stage : plan.stages()) {
    const auto states = recorder.states_of(stage.stage.id);
    ASSERT_FALSE(states.empty());
    EXPECT_EQ(states.back(), summary.stages[stage.index].state);
    EXPECT_EQ(states.size(), states.back() == StageState::kSkipped ? 1U : 3U);
  }
}

TEST(Scheduler, NoStageWaitsForTheObserver) {
  const Plan plan = testing::plan("a; b: a; c: b");
  std::atomic<bool> all_ran = false;
  FakeRunner runner([&](const PlannedStage& stage, const CancelToken&) -> StageOutcome {
    if (stage.stage.id == "c") all_ran = true;
    all_ran.notify_all();
    return {StageState::kSucceeded, ""};
  });
  Recorder recorder;
  // Else it would be for ever.
  recorder.then_ = [&](const PlannedStage&, const StageOutcome&) { all_ran.wait(false); };
  EXPECT_EQ(run(plan, runner, recorder, 1).result, RunResult::kSuccess);
  EXPECT_EQ(recorder.states_.size(), 9U);
}

TEST(Scheduler, TellsWhatHappensWithinAMomentTogether) {
  std::string text = "s0";
  for (int i = 1; i < 500; ++i) text += "; s" + std::to_string(i) + ": s" + std::to_string(i - 1);
  const Plan plan = testing::plan(text);
  FakeRunner runner(succeed);
  Recorder recorder;
  EXPECT_EQ(run(plan, runner, recorder, 1).result, RunResult::kSuccess);
  EXPECT_EQ(recorder.states_.size(), 1500U);
  // Alone, each would be a call.
  EXPECT_LT(recorder.calls_, 1000U);
}

TEST(Scheduler, AChangeHasTheTimeWhenItHappenedNotWhenItIsTold) {
  const Plan plan = testing::plan("a");
  using Clock = std::chrono::system_clock;
  std::atomic<Clock::time_point> ran;
  FakeRunner runner([&](const PlannedStage&, const CancelToken&) -> StageOutcome {
    ran = Clock::now();
    return {StageState::kSucceeded, ""};
  });
  Recorder recorder;
  recorder.then_ = [&](const PlannedStage&, const StageOutcome& outcome) {
    if (outcome.state != StageState::kReady) return;
    while (ran.load() == Clock::time_point()) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  };
  EXPECT_EQ(run(plan, runner, recorder, 1).result, RunResult::kSuccess);
  ASSERT_EQ(recorder.times_.size(), 3U);
  EXPECT_LE(recorder.times_[0], recorder.times_[1]);
  EXPECT_LE(recorder.times_[1], ran.load());
  EXPECT_LE(ran.load(), recorder.times_[2]);
}

}  // namespace
}  // namespace stagebox::scheduler
