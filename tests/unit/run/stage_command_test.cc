#include "runtime/run/stage/stage_command.h"

#include <gtest/gtest.h>

namespace stagebox::run {
namespace {

TEST(StageCommand, AScriptGoesToTheShellWhole) {
  scheduler::Stage stage;
  stage.run = scheduler::Script{"echo $HOME\n"};
  const auto command = make_stage_command(stage, {}, "/root");
  EXPECT_EQ(command.argv, (std::vector<std::string>{"/bin/sh", "-eu", "-c", "echo $HOME\n"}));
  EXPECT_EQ(command.workdir, "/workspace");
}

TEST(StageCommand, AnArgvIsExecutedAsItIs) {
  scheduler::Stage stage;
  stage.run = scheduler::Argv{{"make", "-j2"}};
  stage.workdir = base::RelativePath::parse("src/lib").value();
  const auto command = make_stage_command(stage, {}, "/root");
  EXPECT_EQ(command.argv, (std::vector<std::string>{"make", "-j2"}));
  EXPECT_EQ(command.workdir, "/workspace/src/lib");
}

TEST(StageCommand, TheStagesEnvironmentWins) {
  images::ImageConfig image;
  image.env = {"PATH=/image", "A=1", "B=2", "malformed", "=x"};
  scheduler::Stage stage;
  stage.run = scheduler::Argv{{"true"}};
  stage.env = {{"B", "3"}, {"HOME", "/h"}};
  const auto command = make_stage_command(stage, image, "/root");
  EXPECT_EQ(command.environment,
            (std::map<std::string, std::string>{
                {"PATH", "/image"}, {"A", "1"}, {"B", "3"}, {"HOME", "/h"}, {"CI", "true"}}));
}

TEST(StageCommand, TheUserIsTheImagesUnlessTheStageSays) {
  images::ImageConfig image;
  image.user = "web";
  scheduler::Stage stage;
  EXPECT_EQ(stage_user(stage, image), "web");
  stage.user = scheduler::NumericUser{5, 6};
  EXPECT_EQ(stage_user(stage, image), "5:6");
  stage.user = scheduler::NamedUser{"db"};
  EXPECT_EQ(stage_user(stage, image), "db");
}

}  // namespace
}  // namespace stagebox::run
