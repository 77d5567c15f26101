// The coverage of one stage as bytes: how a worker that read the reports tells what it found, and
// how the content store keeps it. The decoder trusts nothing. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/coverage/source_file.h"

namespace stagebox::coverage {

/// What was found in some reports.
struct ReadCoverage {
  SourceFiles files;
  /// What is wrong with the reports: of a worker one for each, empty where it is whole.
  std::vector<std::string> problems;
  bool operator==(const ReadCoverage&) const = default;
};

std::string encode_coverage(const ReadCoverage& coverage);
/// kCorrupt for anything that encode_coverage() would not make, or more than CoverageLimits allow.
base::Result<ReadCoverage> decode_coverage(std::string_view bytes);

}  // namespace stagebox::coverage
