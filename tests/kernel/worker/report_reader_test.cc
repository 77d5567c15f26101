// Test reports are read by processes that have nothing to lose: what is found is what the parsers
// find, and who takes such a process over can only say that tests went otherwise.
#include "runtime/run/engine/report_reader.h"

#include <sys/mman.h>
#include <unistd.h>

#include "runtime/base/files.h"
#include "tests/kernel/worker/worker_fixture.h"

namespace stagebox::testing {
namespace {

using run::ReportFile;
using scheduler::ReportFormat;

ReportFile report(ReportFormat format, const std::string& text) {
  ReportFile file;
  file.format = format;
  file.file = base::UniqueFd(::memfd_create("report", MFD_CLOEXEC));
  EXPECT_TRUE(base::write_all(file.file.get(), text).ok());
  return file;
}

base::Result<std::vector<test_reports::ParsedReport>> read(const sandbox::WorkerServer& server,
                                                           const std::vector<ReportFile>& files) {
  return run::ReportReader(server, worker_machine().ids).read(files);
}

base::Result<coverage::ReadCoverage> read_coverage(const sandbox::WorkerServer& server,
                                                   const std::vector<ReportFile>& files) {
  return run::ReportReader(server, worker_machine().ids).read_coverage(files);
}

template <typename Result>
void expect_told_of(const Result& found, std::string_view why) {
  ASSERT_FALSE(found.ok());
  EXPECT_EQ(found.error().kind, base::ErrorKind::kInvalid);
  EXPECT_NE(found.error().message.find(why), std::string::npos) << found.error().message;
}

TEST(ReportReaderTest, ReadsEachInItsFormat) {
  std::vector<ReportFile> files;
  files.push_back(report(ReportFormat::kTap, "1..1\nnot ok 1 - a\n"));
  files.push_back(
      report(ReportFormat::kJunit, "<testsuite><testcase name='b' classname='c'/></testsuite>"));
  files.push_back(report(ReportFormat::kJunit, "1..1\n"));
  const auto found = read(*worker_machine().honest, files);
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->size(), 3U);
  EXPECT_EQ((*found)[0].cases.at(0).status, test_reports::TestStatus::kFailed);
  EXPECT_EQ((*found)[1].cases.at(0).full_name(), "c.b");
  EXPECT_FALSE((*found)[2].problem.empty());
  EXPECT_TRUE(read(*worker_machine().honest, {})->empty());
}

TEST(ReportReaderTest, DetailsHaveALimitTogether) {
  std::string many = "<testsuite>";
  for (int i = 0; i < 1000; ++i) {
    many += "<testcase name='t" + std::to_string(i) + "'><failure message='m'>" +
            std::string(16'000, 'x') + "</failure></testcase>";
  }
  std::vector<ReportFile> files;
  files.push_back(report(ReportFormat::kJunit, many + "</testsuite>"));
  const auto found = read(*worker_machine().honest, files);
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->front().cases.size(), 1000U);
  EXPECT_EQ(found->front().cases.front().detail.size(), 16'000U);
  EXPECT_EQ(found->front().cases.back().detail, "");
  EXPECT_EQ(found->front().cases.back().status, test_reports::TestStatus::kFailed);
}

TEST(ReportReaderTest, ItsWordsAreNotTrusted) {
  std::vector<ReportFile> files;
  files.push_back(report(ReportFormat::kTap, "1..1\nok 1 - a\n"));
  for (const auto* server : {worker_machine().lying.get(), worker_machine().dying.get()})
    expect_told_of(read(*server, files), "without a result");
  expect_told_of(read(*worker_machine().empty, files), "nonsense");
}

TEST(ReportReaderTest, ReadsCoverageOfEachInItsFormat) {
  std::vector<ReportFile> files;
  files.push_back(report(ReportFormat::kLcov, "SF:a.c\nDA:1,1\nDA:2,0\nend_of_record\n"));
  files.push_back(report(
      ReportFormat::kCobertura,
      "<coverage><packages><package name='p'><classes><class name='c' filename='a.c'><lines>"
      "<line number='2' hits='3'/></lines></class></classes></package></packages></coverage>"));
  files.push_back(report(ReportFormat::kCobertura, "SF:b.c\nDA:1,1\nend_of_record\n"));
  const auto found = read_coverage(*worker_machine().honest, files);
  ASSERT_TRUE(found.ok()) << found.error().message;
  ASSERT_EQ(found->problems.size(), 3U);
  EXPECT_EQ(found->problems[0], "");
  EXPECT_EQ(found->problems[1], "");
  EXPECT_NE(found->problems[2], "");
  ASSERT_EQ(found->files.size(), 1U) << "one file that two reports measured";
  EXPECT_EQ(found->files[0].path, "a.c");
  EXPECT_EQ(found->files[0].counts().lines, 2U);
  EXPECT_EQ(found->files[0].counts().lines_covered, 2U);
  EXPECT_TRUE(read_coverage(*worker_machine().honest, {})->files.empty());
}

TEST(ReportReaderTest, ItsWordsOnCoverageAreNotTrusted) {
  std::vector<ReportFile> files;
  files.push_back(report(ReportFormat::kLcov, "SF:a.c\nDA:1,1\nend_of_record\n"));
  for (const auto* server : {worker_machine().lying.get(), worker_machine().dying.get()})
    expect_told_of(read_coverage(*server, files), "without a result");
  expect_told_of(read_coverage(*worker_machine().empty, files), "nonsense");
}

}  // namespace
}  // namespace stagebox::testing
