#include "runtime/run/findings/report_files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <fstream>

#include "runtime/base/files.h"
#include "tests/support/no_descriptors.h"
#include "tests/support/temp_dir.h"

namespace stagebox::run {
namespace {

using scheduler::DeclaredReports;
using scheduler::ReportFormat;
using stagebox::testing::TempDir;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class ReportFilesTest : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text = "x") {
    std::filesystem::create_directories(std::filesystem::path(dir_.path(name)).parent_path());
    std::ofstream(dir_.path(name)) << text;
  }
  void find(const std::string& pattern, bool required = true) {
    DeclaredReports declared;
    declared.pattern = base::RelativePath::parse(pattern).value();
    declared.required = required;
    const auto workspace = base::open_path(dir_.path("."), O_RDONLY | O_DIRECTORY);
    auto found = find_reports({declared}, workspace->get());
    ASSERT_TRUE(found.ok()) << found.error().message;
    paths_.clear();
    for (const ReportFile& file : found->files) paths_.push_back(file.path);
    problems_ = found->problems;
  }

  TempDir dir_;
  std::vector<std::string> paths_;
  std::vector<std::string> problems_;
};

TEST_F(ReportFilesTest, PathsAndPatterns) {
  for (const char* name : {"r.xml", "a/r.xml", "a/b/r.xml", "a/b/s.xml", "a/r.txt"}) write(name);
  find("r.xml");
  EXPECT_THAT(paths_, ElementsAre("r.xml"));
  find("*.xml");
  EXPECT_THAT(paths_, ElementsAre("r.xml"));
  find("a/**/*.xml");
  EXPECT_THAT(paths_, ElementsAre("a/b/r.xml", "a/b/s.xml", "a/r.xml"));
  find("**/r.xml");
  EXPECT_THAT(paths_, ElementsAre("a/b/r.xml", "a/r.xml", "r.xml"));
  EXPECT_THAT(problems_, IsEmpty());
}

TEST_F(ReportFilesTest, WhatIsMissingIsAProblemWhereItIsRequired) {
  write("a/r.xml");
  for (const char* pattern : {"r.xml", "b/*.xml", "a/*.tap", "a/r.xml/x"}) {
    find(pattern);
    EXPECT_THAT(problems_, ElementsAre(HasSubstr("is missing"))) << pattern;
    find(pattern, false);
    EXPECT_THAT(problems_, IsEmpty()) << pattern;
  }
}

TEST_F(ReportFilesTest, WhatTheMachineLacksIsNoProblemOfTheStages) {
  write("r.xml");
  DeclaredReports declared;
  declared.pattern = base::RelativePath::parse("r.xml").value();
  const auto workspace = base::open_path(dir_.path("."), O_RDONLY | O_DIRECTORY);
  const stagebox::testing::NoDescriptors none;
  const auto found = find_reports({declared}, workspace->get());
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().errno_value, EMFILE) << found.error().message;
}

TEST_F(ReportFilesTest, NoLinkIsFollowed) {
  write("real/r.xml");
  std::filesystem::create_directory_symlink("/etc", dir_.path("out"));
  std::filesystem::create_directory_symlink("real", dir_.path("in"));
  std::filesystem::create_symlink("/etc/passwd", dir_.path("passwd.xml"));
  for (const char* pattern : {"out/passwd", "in/r.xml", "passwd.xml", "*.xml"}) {
    find(pattern);
    EXPECT_THAT(paths_, IsEmpty()) << pattern;
    EXPECT_THAT(problems_, ElementsAre(HasSubstr("reports are not followed"))) << pattern;
  }
  find("in/*.xml");
  EXPECT_THAT(paths_, IsEmpty());
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("is missing")));
  // One on the way is no report.
  find("**/*.xml");
  EXPECT_THAT(paths_, ElementsAre("real/r.xml"));
}

TEST_F(ReportFilesTest, WhatIsNoFileIsAProblem) {
  ASSERT_EQ(::mkfifo(dir_.path("pipe.xml").c_str(), 0600), 0);
  std::filesystem::create_directory(dir_.path("dir.xml"));
  find("pipe.xml");
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("is no regular file")));
  find("dir.xml");
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("is no regular file")));
  find("d*.xml");
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("is missing")));
}

TEST_F(ReportFilesTest, SizesHaveALimit) {
  write("r.xml");
  std::filesystem::resize_file(dir_.path("r.xml"), ReportLimits::kFileBytes + 1);
  find("r.xml");
  EXPECT_THAT(paths_, IsEmpty());
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("has 64 MiB; one may have at most 64 MiB")));
}

TEST_F(ReportFilesTest, NumbersHaveALimit) {
  for (std::size_t i = 0; i <= ReportLimits::kFiles; ++i) write("r" + std::to_string(i) + ".xml");
  find("*.xml");
  EXPECT_EQ(paths_.size(), ReportLimits::kFiles);
  EXPECT_THAT(problems_, ElementsAre(HasSubstr("more than 1000 test reports")));
}

}  // namespace
}  // namespace stagebox::run
