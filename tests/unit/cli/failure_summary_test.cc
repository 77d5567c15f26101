#include "runtime/cli/failure_summary.h"

#include <gmock/gmock.h>

#include <chrono>

#include "runtime/cli/quoted_log.h"
#include "runtime/cli/shell_quote.h"
#include "tests/unit/scheduler/test_plans.h"

namespace stagebox::cli {
namespace {

using scheduler::StageState;
using ::testing::HasSubstr;
using ::testing::Not;

scheduler::Plan plan_of(std::size_t count,
                        const std::variant<scheduler::Script, scheduler::Argv>& run) {
  scheduler::Pipeline pipeline;
  for (std::size_t i = 0; i < count; ++i) {
    scheduler::Stage stage;
    stage.id = "s" + std::to_string(i);
    stage.run = run;
    pipeline.stages.push_back(stage);
  }
  return scheduler::make_plan(std::move(pipeline)).value();
}

logs::LogTail tail_of(const std::string& text, logs::Stream stream = logs::Stream::kStdout) {
  logs::LastLines lines;
  lines.add(stream, text);
  return lines.tail();
}

run::StageRecord record_with(const std::string& text) {
  run::StageRecord record;
  record.log_path = "/logs/s0.log";
  record.log_tail = tail_of(text);
  return record;
}

TEST(FailureSummary, SaysWhatFailedHowAndWhatToDo) {
  const auto plan = plan_of(2, scheduler::Script{"make all\nmake check\n"});
  FailureSummary summary(logs::Showing::kText);
  const auto record = record_with("cc: \x1b[31merror\n");
  summary.on_stage(plan.stages()[0], {StageState::kFailed, "exited with status 2"}, &record);
  summary.on_stage(plan.stages()[1], {StageState::kSucceeded}, nullptr);
  const std::string text = summary.text("0123456789ab");
  EXPECT_THAT(text,
              HasSubstr("s0: exited with status 2\n    $ make all\n      make check\n    | cc: "));
  EXPECT_THAT(text, Not(HasSubstr("\x1b"))) << "it is for a terminal without colours";
  EXPECT_THAT(text, HasSubstr("stagebox logs 0123456789ab s0\n"));
  EXPECT_THAT(text, HasSubstr("stagebox shell 0123456789ab s0\n"));
  EXPECT_THAT(text, HasSubstr("stagebox explain 0123456789ab s0\n"));
  EXPECT_THAT(text, Not(HasSubstr("s1")));
}

TEST(FailureSummary, SaysWhichAttemptFailedLast) {
  const auto plan = plan_of(1, scheduler::Script{"make"});
  FailureSummary first(logs::Showing::kText);
  scheduler::StageOutcome outcome{StageState::kFailed, "exited with status 2"};
  outcome.attempt = 1;
  first.on_stage(plan.stages()[0], outcome, nullptr);
  EXPECT_THAT(first.text("id"), HasSubstr("\ns0: exited with status 2\n"));
  FailureSummary last(logs::Showing::kText);
  outcome.attempt = 3;
  last.on_stage(plan.stages()[0], outcome, nullptr);
  EXPECT_THAT(last.text("id"), HasSubstr("\ns0: attempt 3 of 3: exited with status 2\n"));
}

TEST(FailureSummary, NamesNoCommandThatWouldKnowNothing) {
  const auto plan = plan_of(1, scheduler::Script{"make"});
  FailureSummary unprepared(logs::Showing::kText);
  unprepared.on_stage(plan.stages()[0], {StageState::kFailed, "the image has no such user"},
                      nullptr);
  EXPECT_EQ(unprepared.text("id"), "\ns0: the image has no such user\n    $ make\n");
  FailureSummary silent(logs::Showing::kText);
  auto record = record_with("");
  record.log_path.clear();
  silent.on_stage(plan.stages()[0], {StageState::kError, "no disk"}, &record);
  EXPECT_THAT(silent.text("id"), Not(HasSubstr("stagebox logs")));
  EXPECT_THAT(silent.text("id"), HasSubstr("stagebox shell id s0\n"));
}

TEST(FailureSummary, ShowsTheLogOfTheServiceThatFailedIt) {
  const auto plan = plan_of(1, scheduler::Script{"make"});
  FailureSummary summary(logs::Showing::kText);
  auto record = record_with("connecting\n");
  record.failed_service = run::FailedService{"db", "/logs/s0@db.log", tail_of("no disk\n")};
  summary.on_stage(plan.stages()[0], {StageState::kFailed, "the service db ended"}, &record);
  EXPECT_THAT(summary.text("id"), HasSubstr("stagebox logs id s0@db\n"));
  EXPECT_THAT(summary.text("id"), Not(HasSubstr("no disk"))) << "it stands just above";
  summary.on_other_lines();
  EXPECT_THAT(summary.text("id"),
              HasSubstr("    | connecting\n    the last that the service db said:\n    | no disk\n"
                        "    the whole log:"));
  record.failed_service->log_tail.clear();
  summary.on_stage(plan.stages()[0], {StageState::kFailed, "the service db ended"}, &record);
  EXPECT_THAT(summary.text("id"), HasSubstr("    the service db said nothing\n"));
}

TEST(FailureSummary, NamesTheLogsOfTheServicesThatRanBesideIt) {
  for (const std::size_t count : {1U, 6U}) {
    scheduler::Pipeline pipeline;
    scheduler::Stage stage;
    stage.id = "s[1]";
    for (std::size_t i = 0; i < count; ++i) {
      scheduler::Service service;
      service.name = "db" + std::to_string(i);
      stage.services.push_back(service);
    }
    pipeline.stages.push_back(stage);
    const auto plan = scheduler::make_plan(std::move(pipeline)).value();
    FailureSummary summary(logs::Showing::kText);
    auto record = record_with("no such table\n");
    summary.on_stage(plan.stages()[0], {StageState::kFailed, "refused"}, &record);
    EXPECT_THAT(summary.text("id"), Not(HasSubstr("@"))) << "nothing ran";
    record.report.emplace();
    summary = FailureSummary(logs::Showing::kText);
    summary.on_stage(plan.stages()[0], {StageState::kFailed, "exited with status 1"}, &record);
    EXPECT_THAT(summary.text("id"),
                count == 1 ? HasSubstr("    its service's:  stagebox logs id 's[1]@db0'\n    a ")
                           : HasSubstr("    its services':  stagebox logs id 's[1]@db0'\n"
                                       "                    stagebox logs id 's[1]@db1'\n"));
    if (count == 1) continue;
    EXPECT_THAT(summary.text("id"),
                HasSubstr("'s[1]@db3'\n                    (and 2 more)\n    a shell"));
  }
}

TEST(FailureSummary, DoesNotRepeatALogThatStandsJustAbove) {
  const auto plan = plan_of(1, scheduler::Argv{{"cc", "it's", ""}});
  FailureSummary summary(logs::Showing::kText);
  const auto record = record_with("error\n");
  summary.on_stage(plan.stages()[0], {StageState::kFailed, "exited with status 2"}, &record);
  EXPECT_THAT(summary.text("id"), Not(HasSubstr("| error")));
  EXPECT_THAT(summary.text("id"), HasSubstr("    $ cc 'it'\\''s' ''\n"));
  summary.on_other_lines();
  EXPECT_THAT(summary.text("id"), HasSubstr("    | error\n")) << "now it stands elsewhere";
}

TEST(FailureSummary, SaysWhatWasUsed) {
  const auto plan = plan_of(1, scheduler::Script{"make"});
  FailureSummary summary(logs::Showing::kText);
  auto record = record_with("");
  record.report.emplace();
  record.report->usage.wall = std::chrono::milliseconds(61'500);
  record.report->usage.user_cpu = std::chrono::milliseconds(2'000);
  record.report->usage.system_cpu = std::chrono::milliseconds(500);
  record.report->usage.peak_memory = std::uint64_t{12} << 20U;
  summary.on_stage(plan.stages()[0], {StageState::kFailed, "exited with status 2"}, &record);
  EXPECT_THAT(summary.text("id"), HasSubstr("\ns0: exited with status 2\n"
                                            "    wall 1m01s, cpu 2.50s, peak memory 12 MiB\n"));
}

std::string commands_of(std::size_t lines) {
  std::string script;
  for (std::size_t i = 1; i <= lines; ++i) script += "\techo " + std::to_string(i) + "\n";
  const auto plan = plan_of(1, scheduler::Script{script});
  FailureSummary summary(logs::Showing::kText);
  summary.on_stage(plan.stages()[0], {StageState::kFailed, "exited with status 2"}, nullptr);
  return summary.text("id");
}

TEST(FailureSummary, ALongScriptIsShownFromBothEnds) {
  EXPECT_THAT(commands_of(10), Not(HasSubstr("left out")));
  EXPECT_THAT(commands_of(11),
              HasSubstr("      \techo 6\n      ... (1 line left out)\n      \techo 8\n"));
  const std::string text = commands_of(30);
  EXPECT_THAT(text, HasSubstr("    $ \techo 1\n      \techo 2\n"));
  EXPECT_THAT(text, HasSubstr("\techo 6\n      ... (20 lines left out)\n      \techo 27\n"));
  EXPECT_THAT(text, HasSubstr("      \techo 30\n"));
}

TEST(QuotedLog, IsShownAsTheLogsAre) {
  const logs::LogTail tail = tail_of(
      "\x1b[31mred\n10%\r50%\r100%\r\na\tb\n\x9b"
      "2J\x1b]0;title\a.\nno end");
  EXPECT_EQ(quoted_log(tail, logs::Showing::kText),
            "    | red\n    | 100%\n    | a\tb\n    | \\x9b2J.\n    | no end\n");
  EXPECT_THAT(quoted_log(tail, logs::Showing::kColours),
              HasSubstr("    | \x1b[31mred\x1b[0m\n    | \x1b[31m100%\x1b[0m\n"));
  EXPECT_EQ(quoted_log({}, logs::Showing::kText), "");
}

TEST(QuotedLog, AStreamNeitherCutsNorColoursTheOther) {
  logs::LastLines lines;
  lines.add(logs::Stream::kStdout, "\x1b[32mcompiling ...");
  lines.add(logs::Stream::kStderr, "warning: x\n");
  lines.add(logs::Stream::kStdout, "done\n");
  EXPECT_EQ(quoted_log(lines.tail(), logs::Showing::kText),
            "    | warning: x\n    | compiling ...done\n");
  EXPECT_EQ(quoted_log(lines.tail(), logs::Showing::kColours),
            "    | warning: x\n    | \x1b[32mcompiling ...done\x1b[0m\n");
}

TEST(QuotedLog, ALongLineIsCut) {
  EXPECT_EQ(
      quoted_log(tail_of("error\n" + std::string(300'000, 'x') + "\nlast\n"), logs::Showing::kText),
      "    | error\n    | " + std::string(299, 'x') + "\xe2\x80\xa6\n    | last\n");
  EXPECT_EQ(quoted_log(tail_of("\x1b[31m" + std::string(301, 'x')), logs::Showing::kColours),
            "    | \x1b[31m" + std::string(299, 'x') + "\xe2\x80\xa6\x1b[0m\n");
  std::string colours;
  for (int i = 0; i < 1000; ++i) colours += "\x1b[1m\x1b[0m";
  EXPECT_EQ(quoted_log(tail_of("a" + colours + "b\n"), logs::Showing::kText),
            "    | a\xe2\x80\xa6\n");
}

TEST(FailureSummary, NamesTheTestsThatFailed) {
  const auto plan = plan_of(1, scheduler::Script{"ctest"});
  auto record = record_with("1 test failed\n");
  record.tests.emplace();
  record.tests->report.failed = 14;
  record.tests->quarantined = 1;
  for (int i = 0; i < 12; ++i) {
    test_reports::TestCase test;
    test.suite = "net";
    test.name = "t" + std::to_string(i);
    test.message = "a\x1b[2J\n1\n2\n3\n4\n5\n6\n7\n";
    record.tests->failed.push_back(test);
  }
  FailureSummary summary(logs::Showing::kText);
  summary.on_stage(plan.stages()[0], {StageState::kFailed, "exited with status 8"}, &record);
  const std::string text = summary.text("id");
  EXPECT_THAT(text, HasSubstr("    | 1 test failed\n    FAILED net.t0\n      a"));
  EXPECT_THAT(text, HasSubstr("      5\n      ...\n    FAILED net.t1\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b")));
  EXPECT_THAT(text, Not(HasSubstr("net.t10")));
  EXPECT_THAT(text, HasSubstr("    and 3 more failed tests\n"));
  EXPECT_THAT(text, HasSubstr("stagebox tests id s0\n"));
}

TEST(FailureSummary, NamesTheTestsInQuarantineBehindTheOthers) {
  const auto plan = plan_of(1, scheduler::Script{"ctest"});
  auto record = record_with("failed\n");
  record.tests.emplace();
  record.tests->report.failed = 13;
  record.tests->quarantined = 12;
  test_reports::TestCase test;
  test.name = "counts";
  record.tests->failed.push_back(test);
  for (int i = 0; i < 12; ++i) {
    test.name = "q" + std::to_string(i);
    test.message = "shaky";
    record.tests->quarantined_cases.push_back(test);
  }
  FailureSummary summary(logs::Showing::kText);
  summary.on_stage(plan.stages()[0], {StageState::kFailed, "exited with status 8"}, &record);
  const std::string text = summary.text("id");
  EXPECT_THAT(text, HasSubstr("    FAILED counts\n    QUARANTINED q0\n      shaky\n"));
  EXPECT_THAT(text, HasSubstr("    QUARANTINED q9\n      shaky\n"
                              "    and 2 more failed tests in quarantine\n"));
}

TEST(FailureSummary, ManyFailuresAreNamedAndTheFirstShown) {
  const auto plan = plan_of(8, scheduler::Script{"false"});
  FailureSummary summary(logs::Showing::kText);
  for (const auto& stage : plan.stages()) {
    const auto record = record_with("error\n");
    summary.on_stage(stage, {StageState::kFailed, "exited with status 1"}, &record);
  }
  EXPECT_THAT(summary.text("id"), HasSubstr("\ns4: exited"));
  EXPECT_THAT(summary.text("id"), Not(HasSubstr("\ns5: exited")));
  EXPECT_THAT(summary.text("id"), HasSubstr("and 3 more: s5 s6 s7\n"));
}

TEST(FailureSummary, NothingIsSaidWhereNothingFailed) {
  const auto plan = plan_of(2, scheduler::Script{"true"});
  FailureSummary summary(logs::Showing::kText);
  summary.on_stage(plan.stages()[0], {StageState::kAllowedFailure, "exited with status 1"},
                   nullptr);
  summary.on_stage(plan.stages()[1], {StageState::kSkipped}, nullptr);
  EXPECT_EQ(summary.text("id"), "");
}

TEST(ShellWord, IsQuotedWhereAShellWouldSeeMore) {
  EXPECT_EQ(shell_word("a-b.c_d/e=f"), "a-b.c_d/e=f");
  EXPECT_EQ(shell_word("test[small]"), "'test[small]'");
  EXPECT_EQ(shell_word(""), "''");
  EXPECT_EQ(shell_word("$(x)"), "'$(x)'");
}

}  // namespace
}  // namespace stagebox::cli
