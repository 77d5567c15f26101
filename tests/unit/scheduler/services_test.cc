// The `services` of a stage: what they mean, and every mistake that can be made in them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "scheduler/capacity.h"
#include "scheduler/file/parse_pipeline.h"
#include "scheduler/graph.h"
#include "scheduler/plan.h"
#include "scheduler/ready_queue.h"
#include "scheduler/retry.h"

namespace stagebox::scheduler {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

std::variant<Pipeline, Diagnostics> parse(std::string_view services,
                                          std::string_view stage = "env: {OF: stage}") {
  return parse_pipeline("f",
                        "stagebox: 1\nparams: {port: {default: \"5432\"}}\n"
                        "images: {bb: {name: bb}, pg: {name: pg}}\ndefaults: {image: bb}\n"
                        "stages:\n  s: {run: test, " +
                            std::string(stage) + ", services: " + std::string(services) + "}\n");
}

std::string mistakes(std::string_view services) {
  const auto parsed = parse(services);
  const auto* wrong = std::get_if<Diagnostics>(&parsed);
  return wrong == nullptr ? "" : wrong->render();
}

Stage stage(std::string_view services, std::string_view more = "env: {OF: stage}") {
  const auto parsed = parse(services, more);
  const auto* wrong = std::get_if<Diagnostics>(&parsed);
  EXPECT_EQ(wrong == nullptr ? "" : wrong->render(), "");
  return wrong == nullptr ? std::get<Pipeline>(parsed).stages.front() : Stage();
}

TEST(Services, TheShortestHasAnImage) {
  const Stage read = stage("{db: {image: pg}}");
  ASSERT_EQ(read.services.size(), 1U);
  const Service& db = read.services.front();
  EXPECT_EQ(db.name, "db");
  EXPECT_EQ(db.image, "pg");
  EXPECT_FALSE(db.run);
  EXPECT_TRUE(db.env.empty());
  EXPECT_TRUE(std::holds_alternative<ImageUser>(db.user));
  EXPECT_TRUE(std::holds_alternative<std::monostate>(db.ready.check));
  EXPECT_FALSE(db.ready.timeout);
  EXPECT_EQ(db.ready.interval, milliseconds(250));
}

TEST(Services, EverythingThatCanBeSaid) {
  const Stage read = stage(
      "{db: {image: pg, run: [postgres, -p, \"${{ params.port }}\"], env: {A: b, P: \"${{ "
      "params.port }}\"}, user: 70:70, resources: {cpus: 2, memory: 1GiB, log: 1MiB}, secrets: "
      "[{name: PW, env: PW}], ready: {tcp: \"${{ params.port }}\", timeout: 5s, interval: 20ms}}}");
  const Service& db = read.services.at(0);
  EXPECT_THAT(db.run.value().arguments, ElementsAre("postgres", "-p", "5432"));
  EXPECT_THAT(db.env, ElementsAre(Pair("A", "b"), Pair("P", "5432")));
  EXPECT_EQ(std::get<NumericUser>(db.user).uid, 70U);
  EXPECT_EQ(db.resources.log, 1U << 20U);
  EXPECT_EQ(db.secrets.at(0).name, "PW");
  EXPECT_EQ(std::get<std::uint16_t>(db.ready.check), 5432);
  EXPECT_EQ(db.ready.timeout, seconds(5));
  EXPECT_EQ(db.ready.interval, milliseconds(20));
}

TEST(Services, AScriptIsForAShellAndItsExpressionsAreVariables) {
  const Stage read = stage(
      "{db: {image: pg, run: \"exec x ${{ params.port }}\", ready: \"isready ${{ params.port }}\", "
      "env: {OF: service}}, other: {image: pg, ready: {run: [isready, now]}}}");
  const Service& db = read.services.at(0);
  EXPECT_THAT(db.run.value().arguments,
              ElementsAre("/bin/sh", "-eu", "-c", "exec x ${STAGEBOX_PARAMS_PORT}"));
  EXPECT_THAT(std::get<Argv>(db.ready.check).arguments,
              ElementsAre("/bin/sh", "-eu", "-c", "isready ${STAGEBOX_PARAMS_PORT}"));
  EXPECT_THAT(db.env, ElementsAre(Pair("OF", "service"), Pair("STAGEBOX_PARAMS_PORT", "5432")));
  EXPECT_THAT(std::get<Argv>(read.services.at(1).ready.check).arguments,
              ElementsAre("isready", "now"));
  // Nothing of the stage's own.
  EXPECT_TRUE(read.services.at(1).env.empty());
}

TEST(Services, TheOrderIsThatOfTheFile) {
  const Stage read = stage("{z: {image: pg}, a: {image: bb}}");
  EXPECT_EQ(read.services.at(0).name, "z");
  EXPECT_EQ(read.services.at(1).name, "a");
}

TEST(Services, NamesAreHostNames) {
  EXPECT_EQ(mistakes("{a: {image: pg}, my-db2: {image: pg}, 0x: {image: pg}}"), "");
  for (const char* name : {"Db", "my_db", "-db", "db-", "a.b", "\"\"", "\"a b\"", "\"a\\nb\""})
    EXPECT_THAT(mistakes("{" + std::string(name) + ": {image: pg}}"),
                HasSubstr("invalid service name"))
        << name;
  EXPECT_THAT(mistakes("{" + std::string(64, 'a') + ": {image: pg}}"), HasSubstr("limit is 63"));
  for (const char* name : {"localhost", "stagebox"})
    EXPECT_THAT(mistakes("{" + std::string(name) + ": {image: pg}}"), HasSubstr("is reserved"));
  EXPECT_THAT(mistakes("{a: {image: pg}, a: {image: pg}}"), HasSubstr("already in line"));
}

// Its log is a file that is called as the stage and the service.
TEST(Services, ALogCanBeCalledAsTheyAre) {
  const std::string value(40, 'v');
  const auto answer = [&value](const std::string& stage) {
    std::string matrix;
    for (const char* axis : {"a", "b", "c", "d"})
      matrix.append(matrix.empty() ? "" : ", ")
          .append(axis)
          .append(": [")
          .append(value)
          .append("]");
    const auto parsed = parse_pipeline(
        "f", "stagebox: 1\nimages: {bb: {name: bb}}\ndefaults: {image: bb}\nstages:\n  " + stage +
                 ": {run: test, matrix: {" + matrix + "}, services: {" + std::string(63, 'n') +
                 ": {image: bb}}}\n");
    const auto* wrong = std::get_if<Diagnostics>(&parsed);
    return wrong == nullptr ? "" : wrong->render();
  };
  EXPECT_EQ(answer("st"), "");
  EXPECT_THAT(answer("sta"), HasSubstr("have 231 characters; at most 230 fit"));
}

TEST(Services, Mistakes) {
  EXPECT_THAT(mistakes("[db]"), HasSubstr("`services` must be a mapping"));
  EXPECT_THAT(mistakes("{db: pg}"), HasSubstr("the service `db` must be a mapping"));
  EXPECT_THAT(mistakes("{db: {}}"), HasSubstr("the service `db` has no `image`"));
  EXPECT_THAT(mistakes("{db: {image: pq}}"), HasSubstr("unknown image `pq`; did you mean `pg`?"));
  EXPECT_THAT(mistakes("{db: {image: pg, command: x}}"), HasSubstr("did you mean `run`?"));
  EXPECT_THAT(mistakes("{db: {image: pg, alias: x}}"), HasSubstr("is the host name"));
  EXPECT_THAT(mistakes("{db: {image: pg, run: []}}"), HasSubstr("`run` names no program"));
  EXPECT_THAT(mistakes("{db: {image: pg, run: \" \"}}"), HasSubstr("`run` is empty"));
  EXPECT_THAT(mistakes("{db: {image: pg, env: {STAGEBOX_X: y}}}"), HasSubstr("is reserved"));
  EXPECT_THAT(mistakes("{db: {image: pg, resources: {outputs: 3}}}"),
              HasSubstr("a service has no outputs"));
  EXPECT_THAT(mistakes("{db: {image: pg, run: \"x ${{ env.OF }}\"}}"), HasSubstr("`OF`"))
      << "the stage's variables are not the service's";
  // What a parameter holds must not become code here either.
  for (const char* where : {"run: ", "ready: ", "ready: {run: "}) {
    const std::string end = std::string_view(where).ends_with("{run: ") ? "}" : "";
    EXPECT_THAT(mistakes("{db: {image: pg, " + std::string(where) +
                         "[sh, -c, \"x ${{ params.port }}\"]" + end + "}}"),
                HasSubstr("would be executed as shell code"))
        << where;
  }
}

TEST(Services, MistakesOfReady) {
  const auto ready = [](const std::string& text) {
    return mistakes("{db: {image: pg, ready: " + text + "}}");
  };
  EXPECT_EQ(ready("{tcp: 1}"), "");
  EXPECT_EQ(ready("{run: x, timeout: 1ms, interval: 10ms}"), "");
  EXPECT_THAT(ready("{}"), HasSubstr("says nothing to wait for"));
  EXPECT_THAT(ready("{timeout: 3s}"), HasSubstr("says nothing to wait for"));
  EXPECT_THAT(ready("{tcp: 1, run: x}"), HasSubstr("has both `run` and `tcp`"));
  EXPECT_THAT(ready("{tcp: 0}"), HasSubstr("`tcp`"));
  EXPECT_THAT(ready("{tcp: 65536}"), HasSubstr("`tcp`"));
  EXPECT_THAT(ready("{tcp: x}"), HasSubstr("`tcp`"));
  EXPECT_THAT(ready("{port: 1}"), HasSubstr("did you mean `tcp`?"));
  EXPECT_THAT(ready("{tcp: 1, interval: 9ms}"), HasSubstr("at least 10ms"));
  EXPECT_THAT(ready("{tcp: 1, timeout: never}"), HasSubstr("`timeout`"));
  EXPECT_THAT(ready("[]"), HasSubstr("`ready` names no program"));
  EXPECT_THAT(ready("null"), HasSubstr("`ready`"));
}

TEST(Services, ThereIsALimitOfThem) {
  std::string services = "{";
  for (int i = 0; i < 17; ++i)
    services += (i == 0 ? "s" : ", s") + std::to_string(i) + ": {image: bb}";
  EXPECT_THAT(mistakes(services + "}"), HasSubstr("found 17 services; the limit is 16"));
}

TEST(Services, AreNoDefault) {
  const auto parsed = parse_pipeline(
      "f", "stagebox: 1\ndefaults: {services: {}}\nstages: {s: {image: x, run: y}}\n");
  EXPECT_THAT(std::get<Diagnostics>(parsed).render(), HasSubstr("cannot be a default"));
}

TEST(Services, AMatrixMakesThemForEachVariant) {
  const auto parsed = parse("{db: {image: \"${{ matrix.i }}\"}}", "matrix: {i: [bb, pg]}");
  const auto* pipeline = std::get_if<Pipeline>(&parsed);
  ASSERT_NE(pipeline, nullptr);
  EXPECT_EQ(pipeline->stages.at(0).services.at(0).image, "bb");
  EXPECT_EQ(pipeline->stages.at(1).services.at(0).image, "pg");
}

TEST(Services, CountTogetherWithTheirStage) {
  const Stage read =
      stage("{a: {image: pg, resources: {cpus: 0.5, memory: 1GiB}, secrets: [X]}, b: {image: bb}}",
            "resources: {cpus: 1, memory: 2GiB}, secrets: [Y]");
  EXPECT_DOUBLE_EQ(read.all_cpus(), 1.5);
  EXPECT_EQ(read.all_memory(), std::uint64_t{3} << 30U);
  EXPECT_THAT(read.image_names(), ElementsAre("bb", "pg"));
  EXPECT_THAT(read.secret_names(), ElementsAre("X", "Y"));
  Pipeline two;
  two.stages = {read, read};
  two.stages.back().id = "t";
  const Plan plan = make_plan(std::move(two)).value();
  ReadyQueue queue(plan, {}, 8, {.cpus = 2.5});
  queue.add(0);
  queue.add(1);
  EXPECT_EQ(queue.take(), 0U);
  EXPECT_EQ(queue.take(), std::nullopt);
  queue.release(0);
  EXPECT_EQ(queue.take(), 1U);
  Diagnostics diagnostics("f");
  check_capacity(plan, {.cpus = 1.25}, diagnostics);
  EXPECT_THAT(diagnostics.render(),
              HasSubstr("the stage `s` with its services asks for 1.5 cpus, but Stagebox can use "
                        "only 1.25 here"));
  Diagnostics files("f");
  Pipeline one;
  one.stages = {read};
  one.stages.front().services.at(1).resources.open_files = 5000;
  check_capacity(make_plan(std::move(one)).value(), {.open_files = 4000}, files);
  EXPECT_THAT(files.render(), HasSubstr("the service `b` of the stage `s` asks for 5000 open"));
}

TEST(Services, MemoryDoesNotOverflow) {
  Stage many = stage("{a: {image: pg}, b: {image: pg}}");
  many.resources.memory = many.services[0].resources.memory = std::uint64_t{1} << 63U;
  EXPECT_EQ(many.all_memory(), std::numeric_limits<std::uint64_t>::max());
}

TEST(Services, AreACauseForAnotherAttempt) {
  Retry retry;
  retry.on = {RetryOn::kService};
  StageOutcome outcome{.state = StageState::kFailed, .cause = FailureCause::kService};
  EXPECT_TRUE(retries_after(retry, outcome));
  retry.on = {RetryOn::kFailure};
  EXPECT_TRUE(retries_after(retry, outcome));
  retry.on = {RetryOn::kInfrastructure};
  EXPECT_FALSE(retries_after(retry, outcome));
  EXPECT_EQ(stage("{}", "retry: {on: [service]}").retry.on.size(), 1U);
}

TEST(Services, AreInTheGraphAsJson) {
  const auto parsed = parse("{db: {image: pg}, q: {image: bb}}");
  Pipeline pipeline = std::get<Pipeline>(parsed);
  const Plan plan = make_plan(std::move(pipeline)).value();
  EXPECT_THAT(render_graph(plan, "g", GraphFormat::kJson),
              HasSubstr("\"services\": [\"db\", \"q\"]"));
}

}  // namespace
}  // namespace stagebox::scheduler
