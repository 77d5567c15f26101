// Which files have the logs of a run: of its stages, of each of their attempts, of their services.
#include "runtime/run/state/run_logs.h"

#include <gmock/gmock.h>

#include <fstream>

#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct RunLogsTest : ::testing::Test {
  RunLogsTest() { details.run.id = "0123456789ab"; }

  std::string file(const std::string& name) {
    std::ofstream(dir.path(name)) << "x";
    return dir.path(name);
  }
  void attempt(const std::string& stage, std::int64_t number, const std::string& log) {
    store::AttemptRow row;
    row.stage = stage;
    row.number = number;
    row.log_path = log;
    details.attempts.push_back(row);
    std::erase_if(details.stages, [&](const auto& known) { return known.stage == stage; });
    store::StageRow known;
    known.stage = stage;
    known.log_path = log;
    details.stages.push_back(known);
  }
  static std::vector<std::string> names(const std::vector<StageLog>& logs) {
    std::vector<std::string> names;
    for (const StageLog& log : logs)
      names.push_back(log.stage + "/" + log.service + "/" + std::to_string(log.attempt));
    return names;
  }

  stagebox::testing::TempDir dir;
  store::RunDetails details;
};

TEST_F(RunLogsTest, ServicesFollowTheAttemptThatStartedThem) {
  attempt("test", 1, file("test.log"));
  attempt("test", 2, file("test.2.log"));
  attempt("x[a@b]", 1, file("x[a@b].log"));
  for (const char* name : {"test@web.log", "test@db.log", "test.2@db.log", "test@db.network.jsonl",
                           "test@db.log.part", "other@db.log", "test@.log"})
    file(name);
  const auto logs = list_logs(details);
  EXPECT_THAT(names(logs), ElementsAre("test//1", "test/db/1", "test/web/1", "test//2", "test/db/2",
                                       "x[a@b]//1"));
  EXPECT_EQ(logs[4].path, dir.path("test.2@db.log"));
}

TEST_F(RunLogsTest, OneStageOrOneOfItsServicesAlone) {
  attempt("test", 1, file("test.log"));
  attempt("test", 2, file("test.2.log"));
  file("test.2@db.log");
  EXPECT_THAT(names(list_logs(details, find_named_log(details, "test").value())),
              ElementsAre("test//1", "test//2"));
  EXPECT_THAT(names(list_logs(details, find_named_log(details, "test@db").value())),
              ElementsAre("test/db/2"));
  EXPECT_THAT(list_logs(details, find_named_log(details, "test@web").value()), IsEmpty());
}

TEST_F(RunLogsTest, WhatWasTakenFromAnotherRunHasItsServicesToo) {
  store::StageRow taken;
  taken.stage = "test";
  taken.log_path = file("test.log");
  details.stages.push_back(taken);
  file("test@db.log");
  const auto logs = list_logs(details);
  EXPECT_THAT(names(logs), ElementsAre("test//0", "test/db/0"));
  EXPECT_TRUE(logs[1].is_of_another_run);
}

TEST_F(RunLogsTest, ADirectoryThatIsGoneHasNoServices) {
  attempt("test", 1, dir.path("gone/test.log"));
  EXPECT_THAT(names(list_logs(details)), ElementsAre("test//1"));
}

}  // namespace
}  // namespace stagebox::run
