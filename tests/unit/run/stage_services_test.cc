// What becomes of a stage's services before anything runs: their command, their part of the stage
// key, their spec, and what they ask the policy for.
#include "runtime/run/stage/stage_services.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "runtime/run/engine/permit.h"
#include "runtime/run/stage/service_command.h"
#include "runtime/run/stage/stage_key.h"
#include "runtime/run/stage/stage_spec.h"
#include "runtime/run/state/run_logs.h"
#include "sandbox/spec/seccomp_program.h"

namespace stagebox::run {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

scheduler::Service database() {
  scheduler::Service service;
  service.name = "db";
  service.image = "pg";
  service.env = {{"PGDATA", "/data"}};
  service.secrets = {{"PW", "PGPASSWORD"}};
  return service;
}

images::ImageConfig config() {
  images::ImageConfig config;
  config.env = {"PATH=/usr/bin", "PGDATA=/var"};
  config.entrypoint = {"/entry"};
  config.cmd = {"postgres", "-x"};
  config.user = "postgres";
  config.working_dir = "/srv";
  return config;
}

TEST(ServiceCommand, IsWhatTheImageSays) {
  const StageCommand command = make_service_command(database(), config(), "/home").value();
  EXPECT_THAT(command.argv, ElementsAre("/entry", "postgres", "-x"));
  EXPECT_EQ(command.workdir, "/srv");
  EXPECT_EQ(command.environment,
            (std::map<std::string, std::string>{
                {"HOME", "/home"}, {"PATH", "/usr/bin"}, {"PGDATA", "/data"}}));
  EXPECT_EQ(service_user(database(), config()), "postgres");
}

TEST(ServiceCommand, OrWhatTheServiceSays) {
  scheduler::Service service = database();
  service.run = scheduler::Argv{{"mine"}};
  service.user = scheduler::NumericUser{70, 71};
  EXPECT_THAT(make_service_command(service, config(), "/").value().argv, ElementsAre("mine"));
  EXPECT_EQ(service_user(service, config()), "70:71");
  images::ImageConfig bare;
  EXPECT_EQ(make_service_command(service, bare, "/").value().workdir, "/");
  bare.working_dir = "relative";
  EXPECT_EQ(make_service_command(service, bare, "/").value().workdir, "/");
}

TEST(ServiceCommand, SomebodyHasToSay) {
  const auto none = make_service_command(database(), {}, "/");
  ASSERT_FALSE(none.ok());
  EXPECT_EQ(none.error().kind, base::ErrorKind::kInvalid);
  EXPECT_THAT(none.error().message, HasSubstr("give the service a `run`"));
}

struct Ingredients {
  scheduler::Stage stage;
  images::Image service_image;

  [[nodiscard]] store::ActionSpec spec() const {
    images::Image image;
    image.manifest_digest = base::Sha256::of("image");
    image.config.env = {"PATH=/bin"};
    const StageCommand command = make_stage_command(stage, image.config, "/root");
    store::ActionSpec spec =
        make_action_spec(stage, command, stage_user(stage, image.config), image, {}, {});
    for (const scheduler::Service& service : stage.services) {
      const images::ImageConfig& config = service_image.config;
      add_service(service, service_image, service_user(service, config),
                  make_service_command(service, config, "/root").value(), spec);
    }
    return spec;
  }
  [[nodiscard]] std::string key() const {
    return store::encode_action(spec()).value().action.hex();
  }
};

Ingredients sample() {
  Ingredients sample;
  sample.stage.id = "test";
  sample.stage.run = scheduler::Argv{{"make", "test"}};
  sample.stage.services = {database()};
  sample.service_image.manifest_digest = base::Sha256::of("service");
  sample.service_image.config = config();
  return sample;
}

using Change = std::function<void(Ingredients&)>;
struct Case {
  const char* what;
  Change change;
};

TEST(ServiceKey, ChangesWithWhatDecidesTheResult) {
  const std::vector<Case> cases{
      {"no service", [](auto& s) { s.stage.services.clear(); }},
      {"a service more",
       [](auto& s) {
         s.stage.services.push_back(database());
         s.stage.services.back().name = "db2";
       }},
      {"its name", [](auto& s) { s.stage.services[0].name = "database"; }},
      {"its image", [](auto& s) { s.service_image.manifest_digest = base::Sha256::of("another"); }},
      {"its command", [](auto& s) { s.stage.services[0].run = scheduler::Argv{{"/entry"}}; }},
      {"its arguments apart",
       [](auto& s) { s.stage.services[0].run = scheduler::Argv{{"/entry", "postgres -x"}}; }},
      {"the image's command", [](auto& s) { s.service_image.config.cmd = {"postgres"}; }},
      {"the image's working directory", [](auto& s) { s.service_image.config.working_dir = "/"; }},
      {"a variable", [](auto& s) { s.stage.services[0].env["PGDATA"] = "/other"; }},
      {"its user", [](auto& s) { s.stage.services[0].user = scheduler::NumericUser{70, {}}; }},
      {"a secret less", [](auto& s) { s.stage.services[0].secrets.clear(); }},
      {"how it has the secret", [](auto& s) { s.stage.services[0].secrets[0].env.reset(); }},
  };
  std::vector<std::string> keys{sample().key()};
  for (const Case& one : cases) {
    Ingredients changed = sample();
    one.change(changed);
    keys.push_back(changed.key());
    for (std::size_t i = 0; i + 1 < keys.size(); ++i) EXPECT_NE(keys[i], keys.back()) << one.what;
  }
}

TEST(ServiceKey, DoesNotChangeWithWhatDoesNot) {
  const std::vector<Case> cases{
      {"its limits", [](auto& s) { s.stage.services[0].resources.memory = 1U << 30U; }},
      {"its check", [](auto& s) { s.stage.services[0].ready.check = std::uint16_t{5432}; }},
      {"how long it may take",
       [](auto& s) { s.stage.services[0].ready.timeout = std::chrono::hours(1); }},
      {"what the file calls the image", [](auto& s) { s.stage.services[0].image = "postgres"; }},
      {"where it stands in the file", [](auto& s) { s.stage.services[0].position = {9, 9}; }},
  };
  for (const Case& one : cases) {
    Ingredients changed = sample();
    one.change(changed);
    EXPECT_EQ(changed.key(), sample().key()) << one.what;
  }
}

// Computed once more, from the words of docs/services.md, in reapi_encoding_test.py.
TEST(ServiceKey, Golden) {
  EXPECT_EQ(sample().key(), "c780cf314453947c38a937c51280825e07354b3076334f4a4f5eef8996680c9a");
}

TEST(ServiceSpec, IsThatOfAStageWithoutInputs) {
  const scheduler::Stage stage = sample().stage;
  scheduler::Service service = stage.services[0];
  service.resources.pids = 9;
  const StageCommand command{{"postgres"}, {{"A", "b"}}, "/srv"};
  const ResolvedUser user{{70, 71, {72}}, "/home"};
  const auto seccomp = std::make_shared<const sandbox::SeccompProgram>();
  const sandbox::SandboxSpec spec =
      make_service_spec(stage, service, command, user, {{4, 0, 0}}, seccomp);
  const sandbox::SandboxSpec beside =
      make_sandbox_spec(stage, command, user, {}, {{4, 0, 0}}, seccomp).sandbox;
  EXPECT_THAT(spec.command.argv, ElementsAre("postgres"));
  EXPECT_EQ(spec.user.uid, 70U);
  EXPECT_EQ(spec.workspace, "workspace");
  EXPECT_TRUE(spec.inputs.empty());
  EXPECT_TRUE(spec.capabilities.none());
  EXPECT_EQ(spec.seccomp, seccomp);
  EXPECT_EQ(spec.limits.pids, 9U);
  EXPECT_EQ(spec.rlimits.size(), 1U);
  EXPECT_THAT(spec.host_names, ElementsAre("db"));
  EXPECT_THAT(beside.host_names, ElementsAre("db"));
  EXPECT_FALSE(beside.limits.pids);
}

TEST(ServicePolicy, AServiceAsksForItself) {
  scheduler::Pipeline pipeline;
  scheduler::Image image;
  image.name = "pg";
  image.digest = base::Sha256::of("pinned");
  pipeline.images = {image};
  pipeline.stages = {sample().stage};
  pipeline.stages[0].network = {scheduler::Network::Mode::kNat, {}};
  pipeline.stages[0].services[0].resources.memory = 7;
  pipeline.stages[0].services[0].ready.timeout = std::chrono::seconds(9);
  const auto asked = asked_by(pipeline.stages[0], pipeline);
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[1].who, "service db of stage test");
  EXPECT_EQ(asked[1].image, "pg");
  EXPECT_EQ(asked[1].pin, image.digest);
  EXPECT_THAT(asked[1].secrets, ElementsAre("PW"));
  EXPECT_EQ(asked[1].limits.memory, 7U);
  EXPECT_EQ(asked[1].timeout, std::chrono::seconds(9));
  EXPECT_EQ(asked[1].network.mode, scheduler::Network::Mode::kNat);
  EXPECT_TRUE(asked[0].secrets.empty());
}

TEST(ServiceLog, LiesBesideThatOfTheStage) {
  EXPECT_EQ(service_log_path("/logs/r/test.log", "db"), "/logs/r/test@db.log");
  EXPECT_EQ(service_log_path("/logs/r/test.2.log", "db"), "/logs/r/test.2@db.log");
}

}  // namespace
}  // namespace stagebox::run
