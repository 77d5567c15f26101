#include "runtime/run/engine/report_reader.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>
#include <string_view>

#include "runtime/base/files.h"
#include "runtime/coverage/cobertura_parser.h"
#include "runtime/coverage/lcov_parser.h"
#include "runtime/markdown/markdown_parser.h"
#include "runtime/markdown/markup_codec.h"
#include "runtime/run/engine/worker_ids.h"
#include "runtime/test_reports/clean_text.h"
#include "runtime/test_reports/junit_parser.h"
#include "runtime/test_reports/report_codec.h"
#include "runtime/test_reports/tap_parser.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using scheduler::ReportFormat;
using test_reports::ParsedReport;

constexpr char kDone = 'r';
// A file, what it becomes when it is repaired, and what is found in all of them.
constexpr std::uint64_t kMemory = std::uint64_t{1} << 30U;
constexpr std::uint64_t kCpuSeconds = 120;
constexpr std::size_t kMostResult = std::size_t{64} << 20U;

ParsedReport parse(ReportFormat format, std::string_view text, std::size_t limit) {
  return format == ReportFormat::kJunit ? test_reports::parse_junit(text, limit)
                                        : test_reports::parse_tap(text, limit);
}

// From where the first one stands that has more than its share: later failures say less.
void limit_details(ParsedReport& report, std::size_t& budget) {
  for (test_reports::TestCase& test : report.cases) {
    const std::size_t size = test.message.size() + test.detail.size();
    if (size <= budget) {
      budget -= size;
      continue;
    }
    test.detail.clear();
    test.message = test.status == test_reports::TestStatus::kFailed
                       ? "(too much has failed for the rest to be kept)"
                       : "";
  }
}

// From the beginning, wherever the descriptor stands.
Result<std::string> whole_file(int fd, std::size_t limit) {
  if (::lseek(fd, 0, SEEK_SET) < 0) return base::errno_error("read a report");
  return base::read_all(fd, limit);
}

Result<std::vector<ParsedReport>> parse_all(std::span<const std::byte> formats,
                                            std::span<const UniqueFd> files) {
  std::vector<ParsedReport> found;
  std::size_t cases = 0;
  std::size_t details = ReportLimits::kDetailBytes;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string text = TRY(whole_file(files[i].get(), ReportLimits::kFileBytes));
    const std::size_t left = test_reports::CaseLimits::kCases - cases;
    found.push_back(parse(static_cast<ReportFormat>(formats[i]), text, left));
    cases += found.back().cases.size();
    limit_details(found.back(), details);
  }
  return found;
}

Result<coverage::ReadCoverage> read_all_coverage(std::span<const std::byte> formats,
                                                 std::span<const UniqueFd> files) {
  coverage::ReadCoverage found;
  coverage::CoverageBuilder builder;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const std::string text = TRY(whole_file(files[i].get(), ReportLimits::kFileBytes));
    const bool is_lcov = static_cast<ReportFormat>(formats[i]) == ReportFormat::kLcov;
    const auto read =
        is_lcov ? coverage::read_lcov(text, builder) : coverage::read_cobertura(text, builder);
    found.problems.push_back(read.ok() ? "" : read.error().message);
  }
  found.files = builder.take();
  return found;
}

Result<markdown::Document> read_all_markdown(std::span<const UniqueFd> files) {
  std::string text;
  // What is beyond the limit is cut: the files behind it need not be read.
  for (const UniqueFd& file : files) {
    if (text.size() > markdown::MarkupLimits::kInput) break;
    if (!text.empty()) text += text.ends_with('\n') ? "\n" : "\n\n";
    text += TRY(whole_file(file.get(), ReportLimits::kFileBytes));
  }
  return markdown::read_markdown(text);
}

// The worker's answer.
void write_found(const sandbox::WorkerInput& input, const std::string& found) {
  if (!base::write_all(input.fds.front().get(), found).ok()) return;
  (void)!::write(input.socket, &kDone, 1);
}

base::Error nonsense() { return base::invalid("the process that reads reports told nonsense"); }

// How the worker's life ended: with a result, or what it said against being confined.
Result<void> await(int socket) {
  std::array<char, 4096> message{};
  ssize_t count = -1;
  do {
    count = ::read(socket, message.data(), message.size());
  } while (count < 0 && errno == EINTR);
  if (count == 1 && message.front() == kDone) return {};
  if (count > 1 && message.front() == sandbox::kWorkerRefusal)
    return base::unsupported("the process that reads reports cannot be confined: " +
                             test_reports::one_line(test_reports::clean_text(
                                 {message.data() + 1, static_cast<std::size_t>(count) - 1})));
  return base::invalid(
      "the process that reads reports ended without a result: one needs more memory or time "
      "than it may have, or is made to attack whoever reads it");
}

}  // namespace

void ReportReader::read_in_worker(const sandbox::WorkerInput& input) {
  if (input.fds.size() != input.request.size() + 1) return;
  const auto found = parse_all(input.request, input.fds.subspan(1));
  if (!found.ok()) return;
  write_found(input, test_reports::encode_reports(*found));
}

void ReportReader::read_coverage_in_worker(const sandbox::WorkerInput& input) {
  if (input.fds.size() != input.request.size() + 1) return;
  const auto found = read_all_coverage(input.request, input.fds.subspan(1));
  if (found.ok()) write_found(input, coverage::encode_coverage(*found));
}

void ReportReader::read_summary_in_worker(const sandbox::WorkerInput& input) {
  if (input.fds.size() != input.request.size() + 1) return;
  const auto document = read_all_markdown(input.fds.subspan(1));
  if (document.ok()) write_found(input, markdown::encode_document(*document));
}

Result<std::vector<ParsedReport>> ReportReader::read(const std::vector<ReportFile>& files) const {
  if (files.empty()) return std::vector<ParsedReport>();
  const std::string bytes = TRY(ask_worker(WorkerTask::kReadReports, files));
  auto decoded = test_reports::decode_reports(bytes);
  if (!decoded.ok() || decoded->size() != files.size()) return nonsense();
  return decoded;
}

Result<coverage::ReadCoverage> ReportReader::read_coverage(
    const std::vector<ReportFile>& files) const {
  if (files.empty()) return coverage::ReadCoverage();
  const std::string bytes = TRY(ask_worker(WorkerTask::kReadCoverage, files));
  auto decoded = coverage::decode_coverage(bytes);
  if (!decoded.ok() || decoded->problems.size() != files.size()) return nonsense();
  return decoded;
}

Result<markdown::Document> ReportReader::read_summary(const std::vector<ReportFile>& files) const {
  if (files.empty()) return markdown::Document();
  const std::string bytes = TRY(ask_worker(WorkerTask::kReadSummary, files));
  auto document = markdown::decode_document(bytes);
  if (!document.ok()) return nonsense();
  return document;
}

Result<std::string> ReportReader::ask_worker(WorkerTask kind,
                                             const std::vector<ReportFile>& files) const {
  const WorkerIds ids = TRY(WorkerIds::get(ids_));
  const UniqueFd found(::memfd_create("report-results", MFD_CLOEXEC));
  if (!found) return base::errno_error("create a memory file");
  std::vector<std::byte> formats;
  sandbox::WorkerServer::Task task;
  task.fds.push_back(found.get());
  for (const ReportFile& file : files) {
    formats.push_back(static_cast<std::byte>(file.format));
    task.fds.push_back(file.file.get());
  }
  const std::vector<std::byte> request = worker_request(kind, formats);
  task.request = request;
  task.user_namespace = ids.user_namespace();
  task.deny_setgroups = ids_->kind() == sandbox::HostIds::Kind::kSingle;
  task.memory_bytes = kMemory;
  task.cpu_seconds = kCpuSeconds;
  task.file_bytes = kMostResult;
  const sandbox::Worker worker = TRY(server_.start_worker(task));
  auto ended = await(worker.socket());
  const bool is_silent = !ended.ok() && ended.error().kind == base::ErrorKind::kInvalid;
  if (is_silent && worker.end() == sandbox::WorkerEnd::kOthers)
    ended = sandbox::worker_killed("reads reports");
  // What it wrote is read when nobody can change it any more.
  worker.kill();
  worker.wait();
  TRY(ended);
  return whole_file(found.get(), kMostResult);
}

}  // namespace stagebox::run
