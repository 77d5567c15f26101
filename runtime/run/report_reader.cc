#include "runtime/run/report_reader.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <span>
#include <string_view>

#include "runtime/base/files.h"
#include "runtime/run/worker_ids.h"
#include "runtime/run/worker_tasks.h"
#include "runtime/test_reports/clean_text.h"
#include "runtime/test_reports/junit_parser.h"
#include "runtime/test_reports/report_codec.h"
#include "runtime/test_reports/tap_parser.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using scheduler::TestFormat;
using test_reports::ParsedReport;

constexpr char kDone = 'r';
// A file, what it becomes when it is repaired, and what is found in all of them.
constexpr std::uint64_t kMemory = std::uint64_t{1} << 30U;
constexpr std::uint64_t kCpuSeconds = 120;
constexpr std::size_t kMostResult = std::size_t{64} << 20U;

ParsedReport parse(TestFormat format, std::string_view text, std::size_t limit) {
  return format == TestFormat::kJunit ? test_reports::parse_junit(text, limit)
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
    found.push_back(parse(static_cast<TestFormat>(formats[i]), text, left));
    cases += found.back().cases.size();
    limit_details(found.back(), details);
  }
  return found;
}

// How the worker's life ended: with a result, or what it said against being confined.
Result<void> await(int socket) {
  std::array<char, 4096> message{};
  ssize_t count = -1;
  do {
    count = ::read(socket, message.data(), message.size());
  } while (count < 0 && errno == EINTR);
  if (count == 1 && message.front() == kDone) return {};
  if (count > 1 && message.front() == sandbox::kWorkerRefusal)
    return base::unsupported("the process that reads test reports cannot be confined: " +
                             test_reports::one_line(test_reports::clean_text(
                                 {message.data() + 1, static_cast<std::size_t>(count) - 1})));
  return base::invalid(
      "the process that reads test reports ended without a result: one needs more memory or time "
      "than it may have, or is made to attack whoever reads it");
}

}  // namespace

void ReportReader::read_in_worker(const sandbox::WorkerInput& input) {
  if (input.fds.size() != input.request.size() + 1) return;
  const auto found = parse_all(input.request, input.fds.subspan(1));
  if (!found.ok()) return;
  if (!base::write_all(input.fds.front().get(), test_reports::encode_reports(*found)).ok()) return;
  (void)!::write(input.socket, &kDone, 1);
}

Result<std::vector<ParsedReport>> ReportReader::read(const std::vector<ReportFile>& files) const {
  if (files.empty()) return std::vector<ParsedReport>();
  const WorkerIds ids = TRY(WorkerIds::get(ids_));
  const UniqueFd found(::memfd_create("test-results", MFD_CLOEXEC));
  if (!found) return base::errno_error("create a memory file");
  std::vector<std::byte> formats;
  sandbox::WorkerServer::Task task;
  task.fds.push_back(found.get());
  for (const ReportFile& file : files) {
    formats.push_back(static_cast<std::byte>(file.format));
    task.fds.push_back(file.file.get());
  }
  const std::vector<std::byte> request = worker_request(WorkerTask::kReadReports, formats);
  task.request = request;
  task.user_namespace = ids.user_namespace();
  task.deny_setgroups = ids_->kind() == sandbox::HostIds::Kind::kSingle;
  task.memory_bytes = kMemory;
  task.cpu_seconds = kCpuSeconds;
  task.file_bytes = kMostResult;
  const sandbox::Worker worker = TRY(server_.start_worker(task));
  const auto ended = await(worker.socket());
  // What it wrote is read when nobody can change it any more.
  worker.kill();
  worker.wait();
  TRY(ended);
  const std::string bytes = TRY(whole_file(found.get(), kMostResult));
  auto decoded = test_reports::decode_reports(bytes);
  if (!decoded.ok() || decoded->size() != files.size())
    return base::invalid("the process that reads test reports told nonsense");
  return decoded;
}

}  // namespace stagebox::run
