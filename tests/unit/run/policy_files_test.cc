#include "runtime/run/policy/policy_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

using base::Trust;
using ::testing::HasSubstr;

class PolicyFilesTest : public ::testing::Test {
 protected:
  PolicyFilesTest() {
    std::filesystem::create_directory(dir_.path("project"));
    sources_.machine = dir_.path("machine.yaml");
    sources_.project = dir_.path("project");
  }
  std::string write(const std::string& name, const std::string& text) const {
    const std::string path = dir_.path(name);
    std::ofstream(path) << "stagebox-policy: 1\n" << text;
    ::chmod(path.c_str(), 0644);
    return path;
  }
  [[nodiscard]] bool host_is_permitted() const {
    const auto policy = load_policy(Trust::kTrusted, sources_);
    EXPECT_TRUE(policy.ok()) << (policy.ok() ? "" : policy.error().message);
    Asked asked;
    asked.network.mode = NetworkMode::kHost;
    return policy.ok() && policy->refusals(asked).empty();
  }
  [[nodiscard]] std::string failure() const {
    const auto policy = load_policy(Trust::kTrusted, sources_);
    return policy.ok() ? "" : policy.error().message;
  }

  testing::TempDir dir_;
  PolicySources sources_;
};

constexpr char kHost[] = "network: {modes: [none, host]}\n";

TEST_F(PolicyFilesTest, NeitherFileNeedsToBeThere) { EXPECT_FALSE(host_is_permitted()); }

TEST_F(PolicyFilesTest, TheMachinesFileCounts) {
  write("machine.yaml", kHost);
  EXPECT_TRUE(host_is_permitted());
  sources_.file = write("more.yaml", "network: {modes: [none]}\n");
  EXPECT_FALSE(host_is_permitted());
}

TEST_F(PolicyFilesTest, TheNamedFileCannotWidenTheMachines) {
  sources_.file = write("more.yaml", kHost);
  EXPECT_TRUE(host_is_permitted()) << "there is none of the machine";
  write("machine.yaml", "");
  EXPECT_FALSE(host_is_permitted());
}

TEST_F(PolicyFilesTest, AProjectsFileIsNoPolicy) {
  sources_.file = write("project/policy.yaml", kHost);
  EXPECT_THAT(failure(), HasSubstr("lies in the pipeline's directory"));
  std::filesystem::create_symlink(*sources_.file, dir_.path("link.yaml"));
  sources_.file = dir_.path("link.yaml");
  EXPECT_THAT(failure(), HasSubstr("lies in the pipeline's directory"));
}

TEST_F(PolicyFilesTest, WhatCannotBeUsedIsAnErrorAndNotIgnored) {
  sources_.file = dir_.path("nowhere.yaml");
  EXPECT_THAT(failure(), HasSubstr("--policy"));
  sources_.file = write("open.yaml", kHost);
  ::chmod(sources_.file->c_str(), 0666);
  EXPECT_THAT(failure(), HasSubstr("others than its owner can write to it"));
  sources_.file.reset();
  write("machine.yaml", "netwrok: {}\n");
  EXPECT_THAT(failure(), HasSubstr("did you mean `network`?"));
  std::filesystem::remove(sources_.machine);
  std::filesystem::create_directory(sources_.machine);
  EXPECT_THAT(failure(), HasSubstr("not a regular file"));
}

}  // namespace
}  // namespace stagebox::run
