// A stage is read back from its key's messages as it was.
#include "runtime/run/stage/recorded_stage.h"

#include <gmock/gmock.h>

#include "runtime/run/stage/limits_json.h"
#include "runtime/run/stage/stage_key.h"
#include "runtime/run/stage/stage_services.h"

namespace stagebox::run {
namespace {

using base::Sha256;
using ::testing::ElementsAre;
using ::testing::Pair;

base::RelativePath path(const std::string& text) { return base::RelativePath::parse(text).value(); }

ResolvedInput input(const std::string& at, store::OutputKind kind, scheduler::InputMode mode) {
  ResolvedInput made;
  made.input.at = path(at);
  made.input.mode = mode;
  made.content.kind = kind;
  made.content.digest = Sha256::of(at);
  made.content.size = 1;
  made.content.executable = store::Executable::kYes;
  return made;
}

class RecordedStageTest : public ::testing::Test {
 protected:
  RecordedStageTest() {
    stage_.id = "test[small]";
    stage_.workdir = path("deep/er");
    stage_.network.mode = scheduler::Network::Mode::kAllow;
    stage_.network.allow = {base::NetworkRule::parse("*.example:443").value(),
                            base::NetworkRule::parse("[2001:db8::1]:80").value()};
    stage_.capabilities = 0x81;
    stage_.secrets = {{"FILE", std::nullopt}, {"VAR", "VARIABLE"}};
    image_.manifest_digest = Sha256::of("image");
    command_ = {{"/bin/sh", "-c", "true"}, {{"A", "1"}}, "/workspace/deep/er"};
    inputs_ = {input("deep", store::OutputKind::kDirectory, scheduler::InputMode::kOverlay),
               input("file", store::OutputKind::kFile, scheduler::InputMode::kReadOnly)};
  }
  [[nodiscard]] store::ActionView view() const {
    store::ActionSpec spec =
        make_action_spec(stage_, command_, "7:8", image_, inputs_, base::TrustDomain());
    scheduler::Service service;
    service.name = "db";
    service.secrets = {{"OTHER", std::nullopt}};
    add_service(service, image_, "", {{"x"}, {}, "/"}, spec);
    const store::EncodedAction action = store::encode_action(spec).value();
    return store::view_action({action.action, action.new_blobs}).value();
  }

  scheduler::Stage stage_;
  images::Image image_;
  StageCommand command_;
  std::vector<ResolvedInput> inputs_;
};

TEST_F(RecordedStageTest, IsWhatItWas) {
  sandbox::Limits limits;
  limits.memory = 77;
  const auto recorded = read_recorded_stage("test[small]", view(), limits_json(limits));
  ASSERT_TRUE(recorded.ok()) << recorded.error().message;
  EXPECT_EQ(recorded->stage.id, "test[small]");
  EXPECT_EQ(recorded->image, Sha256::of("image"));
  EXPECT_EQ(recorded->user, "7:8");
  EXPECT_EQ(recorded->limits.memory, 77U);
  EXPECT_EQ(recorded->stage.network.text(), stage_.network.text());
  EXPECT_EQ(recorded->stage.capabilities, 0x81U);
  EXPECT_THAT(recorded->command.argv, ElementsAre("/bin/sh", "-c", "true"));
  EXPECT_THAT(recorded->command.environment, ElementsAre(Pair("A", "1")));
  EXPECT_EQ(recorded->command.workdir, "/workspace/deep/er");
  ASSERT_EQ(recorded->stage.secrets.size(), 2U) << "its own, not its services'";
  EXPECT_EQ(recorded->stage.secrets[0].name, "FILE");
  EXPECT_EQ(recorded->stage.secrets[0].env, std::nullopt);
  EXPECT_EQ(recorded->stage.secrets[1].env, "VARIABLE");
  EXPECT_THAT(service_names(recorded->stage), ElementsAre("db"));
  ASSERT_EQ(recorded->inputs.size(), 2U);
  EXPECT_EQ(recorded->inputs[0].input.at, path("deep"));
  EXPECT_EQ(recorded->inputs[0].input.mode, scheduler::InputMode::kOverlay);
  EXPECT_EQ(recorded->inputs[0].content.digest, Sha256::of("deep"));
  EXPECT_EQ(recorded->inputs[1].input.mode, scheduler::InputMode::kReadOnly);
  EXPECT_EQ(recorded->inputs[1].content.kind, store::OutputKind::kFile);
  EXPECT_EQ(recorded->inputs[1].content.executable, store::Executable::kYes);
}

TEST_F(RecordedStageTest, EveryNetworkIsReadBack) {
  using Mode = scheduler::Network::Mode;
  for (const Mode mode : {Mode::kNone, Mode::kNat, Mode::kHost}) {
    stage_.network = {mode, {}};
    EXPECT_EQ(read_recorded_stage("s", view(), "{}")->stage.network.mode, mode);
  }
}

TEST_F(RecordedStageTest, WhatNoStageHasIsDamaged) {
  const auto damaged = [](store::ActionView action, const std::string& limits = "{}") {
    const auto read = read_recorded_stage("s", action, limits);
    return !read.ok() && read.error().kind == base::ErrorKind::kCorrupt;
  };
  EXPECT_FALSE(damaged(view()));
  EXPECT_TRUE(damaged(view(), ""));
  for (const char* name : {"container-image", "network", "user"}) {
    store::ActionView action = view();
    action.platform.erase(name);
    EXPECT_TRUE(damaged(action)) << name;
  }
  for (const char* network : {"", "all", "allow", "allow nothing", "allow a:1 b"}) {
    store::ActionView action = view();
    action.platform["network"] = network;
    EXPECT_TRUE(damaged(action)) << network;
  }
  store::ActionView action = view();
  action.inputs[0].path = "../out";
  EXPECT_TRUE(damaged(action));
}

}  // namespace
}  // namespace stagebox::run
