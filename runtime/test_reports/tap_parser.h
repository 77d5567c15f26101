// parse_tap: the Test Anything Protocol, versions 12, 13 and 14: subtests, TODO and SKIP, YAML
// diagnostics, bail out, the plan at the beginning or at the end. Lines that are no TAP are
// skipped.
#pragma once

#include <cstddef>
#include <string_view>

#include "runtime/test_reports/test_case.h"

namespace stagebox::test_reports {

/// Never fails: what is wrong (another number of tests than planned, a test whose number is beyond
/// the plan or taken, no plan, bail out, another version) is ParsedReport::problem, also when there
/// are more than `limit` cases. Subtests are cases of their own, in a suite named after their test;
/// that test is one only if it failed for another reason than they did. A failure that is to do
/// (`# TODO`) is a skipped case.
ParsedReport parse_tap(std::string_view document, std::size_t limit = CaseLimits::kCases);

}  // namespace stagebox::test_reports
