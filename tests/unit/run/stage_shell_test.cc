// Which stored content a shell in a stage is given.
#include "runtime/run/stage_shell.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <utility>

#include "runtime/base/files.h"
#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

using stagebox::testing::TempDir;
using store::OutputKind;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class StageShellTest : public ::testing::Test {
 protected:
  StageShellTest() {
    stage_.row.state = store::StageState::kFailed;
    add_input("src", scheduler::InputMode::kReadOnly);
    add_input("deep/tree", scheduler::InputMode::kOverlay);
    store::StoredOutput file;
    file.kind = OutputKind::kFile;
    file.digest = content_->put_bytes("one").value().digest;
    ResolvedInput input;
    input.input.at = base::RelativePath::parse("one.txt").value();
    input.input.mode = scheduler::InputMode::kOverlay;
    input.content = file;
    stage_.recorded.inputs.push_back(input);
  }

  void add_input(const std::string& at, scheduler::InputMode mode) {
    ResolvedInput input;
    input.input.at = base::RelativePath::parse(at).value();
    input.input.mode = mode;
    input.content.kind = OutputKind::kDirectory;
    input.content.digest = tree({"of/" + at});
    stage_.recorded.inputs.push_back(input);
  }
  /// Of empty directories.
  base::Digest tree(const std::vector<std::string>& paths) {
    const TempDir dir;
    for (const std::string& path : paths) {
      for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
        (void)base::make_dir_at(dir.fd(), path.substr(0, end), 0755);
        if (end == std::string::npos) break;
      }
    }
    return content_->put_tree(dir.fd()).value().root;
  }
  void keep(const std::vector<std::string>& workspace) {
    stage_.workspace =
        store::KeptWorkspace{{{"", tree(workspace), 1}, {"deep/tree", tree({"as/left"}), 1}}, ""};
  }
  static std::vector<std::string> places(const ShellPlan& plan) {
    std::vector<std::string> found;
    for (const ResolvedInput& input : plan.inputs) found.push_back(input.input.at.display());
    return found;
  }

  TempDir home_;
  base::Result<store::ContentStore> content_ = store::ContentStore::open(home_.fd());
  EndedStage stage_;
};

TEST_F(StageShellTest, WhatWasLeftLiesBelowItsInputs) {
  keep({"src", "deep/tree", "made"});
  const ShellPlan plan = plan_shell(stage_, ShellFiles::kAsLeft, *content_).value();
  EXPECT_TRUE(plan.is_as_left);
  EXPECT_THAT(plan.notes, ElementsAre());
  EXPECT_THAT(places(plan), ElementsAre(".", "src", "deep/tree"))
      << "the copied file is in the workspace";
  EXPECT_EQ(plan.inputs[0].content.digest, stage_.workspace->trees[0].root);
  EXPECT_EQ(plan.inputs[0].input.mode, scheduler::InputMode::kOverlay);
  EXPECT_EQ(plan.inputs[1].content.digest, stage_.recorded.inputs[0].content.digest);
  EXPECT_EQ(plan.inputs[2].content.digest, stage_.workspace->trees[1].root);
}

TEST_F(StageShellTest, AnInputWhosePlaceIsGoneIsLeftOut) {
  keep({"deep/tree"});
  const ShellPlan plan = plan_shell(stage_, ShellFiles::kAsLeft, *content_).value();
  EXPECT_THAT(places(plan), ElementsAre(".", "deep/tree"));
  EXPECT_THAT(plan.notes, ElementsAre(HasSubstr("src is not there")));
}

TEST_F(StageShellTest, ItIsFreshWhenNothingWasKeptAndSaysWhy) {
  const auto fresh = [this](ShellFiles files = ShellFiles::kAsLeft) {
    const ShellPlan plan = plan_shell(stage_, files, *content_).value();
    EXPECT_FALSE(plan.is_as_left);
    EXPECT_THAT(places(plan), ElementsAre("src", "deep/tree", "one.txt"));
    return plan.notes.size() == 1 ? plan.notes[0] : "";
  };
  EXPECT_THAT(fresh(), HasSubstr("not kept any more"));
  const auto state = std::exchange(stage_.row.state, store::StageState::kError);
  EXPECT_THAT(fresh(), HasSubstr("only when it fails"));
  stage_.row.state = state;
  stage_.workspace = store::KeptWorkspace{{}, "too large"};
  EXPECT_THAT(fresh(), HasSubstr("too large"));
  stage_.workspace->missing = "";
  EXPECT_THAT(fresh(), HasSubstr("damaged"));
  stage_.workspace->trees = {{"", base::Sha256::of("not stored"), 1}};
  EXPECT_THAT(fresh(), HasSubstr("not stored any more"));
  keep({"src", "deep/tree"});
  EXPECT_THAT(fresh(ShellFiles::kAsBegun), HasSubstr("asked for"));
  stage_.row.state = store::StageState::kSucceeded;
  EXPECT_THAT(fresh(), HasSubstr("only when it fails"));
}

TEST_F(StageShellTest, AnInputThatIsNotStoredAnyMoreIsNamed) {
  stage_.recorded.inputs[0].content.digest = base::Sha256::of("not stored");
  const auto plan = plan_shell(stage_, ShellFiles::kAsLeft, *content_);
  ASSERT_FALSE(plan.ok());
  EXPECT_EQ(plan.error().kind, base::ErrorKind::kNotFound);
  EXPECT_THAT(plan.error().message, HasSubstr("src is not stored any more"));
}

}  // namespace
}  // namespace stagebox::run
