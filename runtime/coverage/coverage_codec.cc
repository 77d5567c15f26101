#include "runtime/coverage/coverage_codec.h"

#include <cstddef>
#include <cstdint>
#include <utility>

#include "runtime/base/utf8.h"
#include "runtime/test_reports/byte_codec.h"
#include "runtime/test_reports/clean_text.h"

namespace stagebox::coverage {
namespace {

using base::Result;
using test_reports::put_number;
using test_reports::put_text;

// The first byte is the version. A line is how far its number is from the one before, from 1 on,
// and two flags; then its branches, if it has some.
constexpr char kVersion = 1;
constexpr std::size_t kProblems = 2'000;
constexpr std::size_t kProblem = std::size_t{2} << 10U;
constexpr std::uint64_t kHit = 1;
constexpr std::uint64_t kBranches = 2;

void put_file(std::string& bytes, const SourceFile& file) {
  put_text(bytes, file.path);
  put_number(bytes, file.lines.size());
  std::uint64_t next = 0;  // The least number that the line can have.
  for (const SourceLine& line : file.lines) {
    const std::uint64_t flags = (line.hit ? kHit : 0) | (line.branches != 0 ? kBranches : 0);
    put_number(bytes, (line.number - next) << 2U | flags);
    next = std::uint64_t{line.number} + 1;
    if (line.branches == 0) continue;
    put_number(bytes, line.branches);
    put_number(bytes, line.branches_taken);
  }
}

class CoverageDecoder {
 public:
  explicit CoverageDecoder(std::string_view bytes) : rest_(bytes, "coverage") {}

  Result<ReadCoverage> decode() {
    TRY(rest_.expect(kVersion));
    ReadCoverage coverage;
    const std::uint64_t files = TRY(rest_.number(CoverageLimits::kFiles));
    for (std::uint64_t i = 0; i < files; ++i) {
      SourceFile file = TRY(one_file());
      const bool in_order = coverage.files.empty() || coverage.files.back().path < file.path;
      if (!in_order || file.path.empty()) return rest_.damaged();
      coverage.files.push_back(std::move(file));
    }
    const std::uint64_t problems = TRY(rest_.number(kProblems));
    for (std::uint64_t i = 0; i < problems; ++i)
      coverage.problems.push_back(TRY(rest_.text(kProblem)));
    if (!rest_.at_end()) return rest_.damaged();
    return coverage;
  }

 private:
  Result<SourceFile> one_file() {
    SourceFile file;
    file.path = TRY(rest_.text(CoverageLimits::kPath));
    const std::uint64_t count = TRY(rest_.number(points_left_));
    points_left_ -= count;
    std::uint64_t next = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      const SourceLine line = TRY(one_line(next));
      file.lines.push_back(line);
      next = std::uint64_t{line.number} + 1;
    }
    return file;
  }

  Result<SourceLine> one_line(std::uint64_t next) {
    constexpr std::uint64_t kLast = CoverageLimits::kLineNumber;
    if (next > kLast) return rest_.damaged();
    const std::uint64_t bits = TRY(rest_.number((kLast - next) << 2U | kHit | kBranches));
    SourceLine line;
    line.number = static_cast<std::uint32_t>(next + (bits >> 2U));
    line.hit = (bits & kHit) != 0;
    if ((bits & kBranches) == 0) return line;
    const std::uint64_t all = TRY(rest_.number(CoverageLimits::kLineBranches));
    if (all == 0 || all > points_left_) return rest_.damaged();
    points_left_ -= all;
    line.branches = static_cast<std::uint32_t>(all);
    line.branches_taken = static_cast<std::uint32_t>(TRY(rest_.number(all)));
    return line;
  }

  test_reports::ByteReader rest_;
  std::uint64_t points_left_ = CoverageLimits::kPoints;
};

}  // namespace

std::string encode_coverage(const ReadCoverage& coverage) {
  std::string bytes(1, kVersion);
  put_number(bytes, coverage.files.size());
  for (const SourceFile& file : coverage.files) put_file(bytes, file);
  put_number(bytes, coverage.problems.size());
  for (const std::string& problem : coverage.problems)
    put_text(bytes, base::cut_end(problem, kProblem));
  return bytes;
}

Result<ReadCoverage> decode_coverage(std::string_view bytes) {
  return CoverageDecoder(bytes).decode();
}

}  // namespace stagebox::coverage
