#include "runtime/cli/coverage_lines.h"

#include <cstdlib>

#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

// 1234567 as "1,234,567".
std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3;) digits.insert(at -= 3, ",");
  return digits;
}

std::string tenths(std::int64_t thousandths) {
  const std::int64_t size = std::abs(thousandths);
  return std::to_string(size / 10) + "." + std::to_string(size % 10);
}

std::string share_of(std::uint64_t covered, std::uint64_t all, const char* noun) {
  return percent(covered, all) + " of " + noun + " (" + grouped(covered) + " of " + grouped(all) +
         ")";
}

}  // namespace

std::optional<std::int64_t> covered_share(std::uint64_t covered, std::uint64_t all) {
  if (all == 0) return std::nullopt;
  return static_cast<std::int64_t>(covered * 1000 / all);
}

std::string percent(std::uint64_t covered, std::uint64_t all) {
  const auto share = covered_share(covered, all);
  return share ? tenths(*share) + " %" : "-";
}

std::string line_change(const coverage::Counts& now, const coverage::Counts& before) {
  const auto share = covered_share(now.lines_covered, now.lines);
  const auto share_before = covered_share(before.lines_covered, before.lines);
  if (!share || !share_before) return {};
  const std::int64_t change = *share - *share_before;
  return (change < 0 ? "-" : "+") + tenths(change);
}

std::string line_counts(const coverage::Counts& counts) {
  return counts.lines == 0 ? "no lines" : share_of(counts.lines_covered, counts.lines, "lines");
}

std::string branch_counts(const coverage::Counts& counts) {
  if (counts.branches == 0) return {};
  return share_of(counts.branches_covered, counts.branches, "branches");
}

std::string coverage_line(const run::StageCoverage& coverage) {
  const coverage::Counts now = run::counts_of(coverage.report);
  std::string line = "coverage " + line_counts(now);
  if (!coverage.before) return line;
  const std::string change = line_change(now, run::counts_of(coverage.before->coverage));
  if (!change.empty()) line += ", " + change + " against run " + coverage.before->run_id;
  return line;
}

std::string coverage_problem_lines(const run::StageCoverage& coverage) {
  std::string lines;
  for (const std::string& problem : coverage.problems)
    lines += "    coverage: " + scheduler::escape_controls(problem) + "\n";
  return lines;
}

}  // namespace stagebox::cli
