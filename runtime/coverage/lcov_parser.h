// read_lcov: tracefiles of lcov 1.x and 2.x (geninfo(1), "TRACEFILE FORMAT"), as llvm-cov,
// cargo-llvm-cov, istanbul and coverage.py write them too.
#pragma once

#include <string_view>

#include "runtime/base/result.h"
#include "runtime/coverage/coverage_builder.h"

namespace stagebox::coverage {

/// Counts lines (DA) and branches (BRDA); the sums (LF, LH) are believed only to be contradicted:
/// kInvalid for lines that are summed up and not listed. kInvalid, with the line, for what is no
/// tracefile or is torn, and beyond CoverageLimits; what stands before that has been added. No
/// message quotes the document.
base::Result<void> read_lcov(std::string_view document, CoverageBuilder& builder);

}  // namespace stagebox::coverage
