// Coverage as lines for a person.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/coverage/source_file.h"
#include "runtime/run/findings/stage_coverage.h"

namespace stagebox::cli {

/// In thousandths, rounded down: only what is whole is 1000. None of nothing.
std::optional<std::int64_t> covered_share(std::uint64_t covered, std::uint64_t all);

/// "83.4 %"; "-" of nothing.
std::string percent(std::uint64_t covered, std::uint64_t all);

/// "+0.6", "-12.0", "+0.0": by how much what percent() says of lines differs. Empty when one of
/// them has no lines.
std::string line_change(const coverage::Counts& now, const coverage::Counts& before);

/// "83.4 % of lines (1,234 of 1,480)", or "no lines".
std::string line_counts(const coverage::Counts& counts);
/// "50.0 % of branches (5 of 10)"; empty without branches.
std::string branch_counts(const coverage::Counts& counts);

/// "coverage 83.4 % of lines (1,234 of 1,480), +0.6 against run ID".
std::string coverage_line(const run::StageCoverage& coverage);
/// A line for each problem of its reports, indented.
std::string coverage_problem_lines(const run::StageCoverage& coverage);

}  // namespace stagebox::cli
