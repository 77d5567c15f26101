// ReportReader: has the reports of a stage read in a worker process that has nothing to lose: the
// stage wrote them, and so an attacker may have. The worker sees nothing but the files.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/coverage/coverage_codec.h"
#include "runtime/markdown/markup.h"
#include "runtime/run/engine/worker_tasks.h"
#include "runtime/test_reports/test_case.h"
#include "sandbox/ids/id_map.h"
#include "sandbox/worker/worker_server.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// An open report. `path` is relative to the workspace.
struct ReportFile {
  std::string path;
  scheduler::ReportFormat format = scheduler::ReportFormat::kJunit;
  bool is_one_of_many = false;  ///< Found by a pattern with a wildcard.
  base::UniqueFd file;
};

struct ReportLimits {
  static constexpr std::size_t kFiles = 1'000;
  static constexpr std::uint64_t kFileBytes = std::uint64_t{64} << 20U;
  static constexpr std::uint64_t kTotalBytes = std::uint64_t{128} << 20U;
  /// Of what is kept of messages and details together; the first failures have them.
  static constexpr std::size_t kDetailBytes = std::size_t{8} << 20U;
};

class ReportReader {
 public:
  /// `server` was started with run_worker_task and outlives this.
  ReportReader(const sandbox::WorkerServer& server, std::shared_ptr<sandbox::HostIds> ids)
      : server_(server), ids_(std::move(ids)) {}

  /// The worker's part: of read(), of read_coverage() and of read_summary().
  static void read_in_worker(const sandbox::WorkerInput& input);
  static void read_coverage_in_worker(const sandbox::WorkerInput& input);
  static void read_summary_in_worker(const sandbox::WorkerInput& input);

  /// One for each file, in their order. At most ReportLimits::kFiles, of which none is larger than
  /// kFileBytes. kInvalid when the worker ended without a result: then a file has broken it.
  /// kUnsupported when it cannot be confined. Thread-safe.
  [[nodiscard]] base::Result<std::vector<test_reports::ParsedReport>> read(
      const std::vector<ReportFile>& files) const;
  /// The same of coverage reports: what all of them say together, and a problem for each.
  [[nodiscard]] base::Result<coverage::ReadCoverage> read_coverage(
      const std::vector<ReportFile>& files) const;
  /// The same of files in Markdown: one document of all of them, an empty line between two.
  [[nodiscard]] base::Result<markdown::Document> read_summary(
      const std::vector<ReportFile>& files) const;

 private:
  /// What the worker wrote.
  [[nodiscard]] base::Result<std::string> ask_worker(WorkerTask kind,
                                                     const std::vector<ReportFile>& files) const;

  const sandbox::WorkerServer& server_;
  std::shared_ptr<sandbox::HostIds> ids_;
};

}  // namespace stagebox::run
