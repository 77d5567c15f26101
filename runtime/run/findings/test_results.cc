#include "runtime/run/findings/test_results.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/name_pattern.h"
#include "runtime/base/printable.h"
#include "runtime/base/units.h"
#include "runtime/base/utf8.h"
#include "runtime/run/findings/report_files.h"
#include "runtime/run/secrets/secret_masker.h"
#include "runtime/test_reports/clean_text.h"
#include "runtime/test_reports/report_codec.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using test_reports::CaseLimits;
using test_reports::ParsedReport;
using test_reports::TestCase;
using test_reports::TestStatus;

constexpr std::size_t kBuffer = std::size_t{256} << 10U;
constexpr std::size_t kMostStored = std::size_t{256} << 20U;

// Masked before it is parsed: where the parser cuts a text, a part of a secret could remain.
Result<UniqueFd> masked_copy(int fd, const SecretAutomaton& secrets) {
  UniqueFd copy(::memfd_create("test-report", MFD_CLOEXEC));
  if (!copy) return base::errno_error("create a memory file");
  SecretMasker masker(secrets);
  std::vector<char> buffer(kBuffer);
  std::string out;
  for (;;) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error("read a test report");
    if (count == 0) break;
    masker.feed(std::as_bytes(std::span(buffer.data(), static_cast<std::size_t>(count))), out);
    TRY(base::write_all(copy.get(), out));
    out.clear();
  }
  masker.finish(out);
  TRY(base::write_all(copy.get(), out));
  return copy;
}

// And after it: the parser has undone XML's escapes.
void mask_cases(TestResults& results, const SecretAutomaton& secrets) {
  const auto mask_text = [&secrets](std::string& text, std::size_t limit) {
    text = base::cut_end(masked(secrets, text), limit);
  };
  for (TestCase& test : results.cases) {
    mask_text(test.suite, CaseLimits::kName);
    mask_text(test.name, CaseLimits::kName);
    mask_text(test.message, CaseLimits::kMessage);
    mask_text(test.detail, CaseLimits::kDetail);
  }
}

// TAP has no names for what belongs together but the file, where there are several.
void name_suites(const ReportFile& file, std::vector<TestCase>& cases) {
  if (file.format != scheduler::ReportFormat::kTap || !file.is_one_of_many) return;
  const std::string path = test_reports::one_line(test_reports::clean_text(file.path));
  for (TestCase& test : cases) {
    test.suite =
        base::cut_end(test.suite.empty() ? path : path + " > " + test.suite, CaseLimits::kName);
  }
}

void add(const ReportFile& file, ParsedReport parsed, TestResults& results) {
  if (!parsed.problem.empty())
    results.problems.push_back("the test report " + base::printable(file.path) +
                               " is not whole: " + parsed.problem);
  name_suites(file, parsed.cases);
  std::ranges::move(parsed.cases, std::back_inserter(results.cases));
}

// A second report, behind the one with all cases, that says no more of them than their names. Both
// together have no more cases than a decoder takes: of more than half of that, not all are noted.
ParsedReport quarantined_cases(const TestResults& results) {
  ParsedReport report;
  for (const TestCase& test : results.cases) {
    if (results.cases.size() + report.cases.size() >= CaseLimits::kCases) break;
    if (!results.is_quarantined(test)) continue;
    TestCase& named = report.cases.emplace_back();
    named.suite = test.suite;
    named.name = test.name;
    named.status = test.status;
  }
  return report;
}

}  // namespace

std::size_t TestResults::count(TestStatus status) const {
  return static_cast<std::size_t>(std::ranges::count(cases, status, &TestCase::status));
}

bool TestResults::is_quarantined(const TestCase& test) const {
  return test.status == TestStatus::kFailed && quarantined.contains(test.full_name());
}

std::size_t TestResults::count_quarantined() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(cases, [this](const TestCase& test) { return is_quarantined(test); }));
}

std::string TestResults::summary() const {
  if (cases.empty()) return {};
  const std::size_t failed = count(TestStatus::kFailed);
  const std::string all = base::counted(cases.size(), "test");
  if (failed != 0) return std::to_string(failed) + " of " + all + " failed";
  const std::size_t skipped = count(TestStatus::kSkipped);
  const std::string but = skipped == 0 ? "" : ", " + std::to_string(skipped) + " of them skipped";
  return all + (skipped == 0 ? " passed" : " without a failure") + but;
}

Result<TestResults> read_test_results(const scheduler::Stage& stage, int workspace_fd,
                                      const ReportReader& reader, const ReportMasking& masking) {
  TestResults results;
  FoundReports found = TRY(find_reports(stage.tests, workspace_fd));
  results.problems = std::move(found.problems);
  results.missing = found.missing;
  if (masking.of_cases != nullptr) {
    for (ReportFile& file : found.files)
      file.file = TRY(masked_copy(file.file.get(), *masking.of_cases));
  }
  auto parsed = reader.read(found.files);
  if (!parsed.ok()) {
    if (parsed.error().kind != base::ErrorKind::kInvalid) return std::move(parsed).error();
    results.problems.push_back(parsed.error().message);
  } else {
    for (std::size_t i = 0; i < parsed->size(); ++i)
      add(found.files[i], std::move((*parsed)[i]), results);
  }
  if (masking.of_cases != nullptr) mask_cases(results, *masking.of_cases);
  if (masking.of_problems != nullptr) {
    for (std::string& problem : results.problems) problem = masked(*masking.of_problems, problem);
  }
  test_reports::number_twins(results.cases);
  note_quarantined(results, stage.quarantine);
  return results;
}

// Names of cases can be patterns themselves: test[1-2].
bool names_case(const std::string& pattern, const std::string& full_name) {
  return pattern == full_name || base::name_matches(pattern, full_name);
}

bool is_quarantined(const TestCase& test, const std::vector<std::string>& patterns) {
  const std::string name = test.full_name();
  return std::ranges::any_of(
      patterns, [&name](const std::string& pattern) { return names_case(pattern, name); });
}

void note_quarantined(TestResults& results, const std::vector<std::string>& patterns) {
  results.quarantined.clear();
  for (const TestCase& test : results.cases) {
    if (test.status == TestStatus::kFailed && is_quarantined(test, patterns))
      results.quarantined.insert(test.full_name());
  }
}

Result<store::TestReportRef> store_test_results(const TestResults& results,
                                                const store::ContentStore& content) {
  ParsedReport whole{results.cases, ""};
  for (const std::string& problem : results.problems)
    whole.problem += (whole.problem.empty() ? "" : "\n") + test_reports::clean_text(problem);
  std::vector<ParsedReport> stored{std::move(whole)};
  if (!results.quarantined.empty()) stored.push_back(quarantined_cases(results));
  store::TestReportRef report;
  report.blob = TRY(content.put_bytes(test_reports::encode_reports(stored)));
  report.passed = results.count(TestStatus::kPassed);
  report.failed = results.count(TestStatus::kFailed);
  report.skipped = results.count(TestStatus::kSkipped);
  return report;
}

Result<TestResults> load_test_results(const store::TestReportRef& report,
                                      const store::ContentStore& content) {
  const std::string bytes = TRY(content.read_blob(report.blob.digest, kMostStored));
  auto reports = TRY(test_reports::decode_reports(bytes));
  TestResults results;
  if (reports.empty() || reports.size() > 2) return base::corrupt("these are no test results");
  if (reports.size() == 2) {
    for (const TestCase& test : reports.back().cases) results.quarantined.insert(test.full_name());
  }
  results.cases = std::move(reports.front().cases);
  std::string_view problems = reports.front().problem;
  while (!problems.empty()) {
    const std::size_t end = std::min(problems.find('\n'), problems.size());
    results.problems.emplace_back(problems.substr(0, end));
    problems.remove_prefix(std::min(end + 1, problems.size()));
  }
  return results;
}

}  // namespace stagebox::run
