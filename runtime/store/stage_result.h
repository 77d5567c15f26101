// StageResult: what a stage that succeeded left behind, as the action cache keeps it under the
// stage key, and its encoding around the Remote Execution API's ActionResult. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/content/content_types.h"
#include "runtime/store/content/stored_output.h"

namespace stagebox::store {

/// The results of an attempt's tests: the blob that has them, as whoever stored them encoded it,
/// and how many there are.
struct TestReportRef {
  BlobRef blob;
  std::uint64_t passed = 0;
  std::uint64_t failed = 0;
  std::uint64_t skipped = 0;
  bool operator==(const TestReportRef&) const = default;
};

/// What an attempt's tests covered: the blob that says which lines, as whoever stored it encoded
/// it, and how many there are.
struct CoverageRef {
  BlobRef blob;
  std::uint64_t lines = 0;
  std::uint64_t lines_covered = 0;
  std::uint64_t branches = 0;
  std::uint64_t branches_covered = 0;
  bool operator==(const CoverageRef&) const = default;
};

/// What an attempt said of itself: the blob that has it, as whoever stored it encoded it, and how
/// many lines that is.
struct SummaryRef {
  BlobRef blob;
  std::uint64_t lines = 0;
  bool operator==(const SummaryRef&) const = default;
};

struct StageResult {
  std::vector<StoredOutput> outputs;
  std::string run_id;    ///< the run that made it
  std::string log_path;  ///< of the stage's log; may be empty, and the log may be gone
  std::chrono::milliseconds duration{0};
  std::chrono::sys_time<std::chrono::milliseconds> ended_at{};
  std::optional<TestReportRef> tests = {};   ///< of a stage that declares test reports
  std::optional<CoverageRef> coverage = {};  ///< of one that declares coverage reports
  std::optional<SummaryRef> summary = {};    ///< of one that declares a summary and wrote one
  bool operator==(const StageResult&) const = default;

  /// kInvalid when two outputs have one path or one name.
  [[nodiscard]] base::Result<std::string> encode() const;
  /// kCorrupt for anything that encode does not make.
  static base::Result<StageResult> decode(std::string_view bytes);
};

}  // namespace stagebox::store
