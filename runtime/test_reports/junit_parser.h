// parse_junit: the XML that JUnit's Ant task began and every test runner writes a dialect of:
// pytest, GoogleTest, Maven Surefire, jest-junit, go-junit-report, ctest and others. There is no
// standard; what is taken of each is in the tests, with a sample of each.
#pragma once

#include <cstddef>
#include <string_view>

#include "runtime/test_reports/test_case.h"

namespace stagebox::test_reports {

/// Never fails: what is wrong is ParsedReport::problem, also when there are more than `limit`
/// cases. An element that nobody knows is skipped with all in it.
ParsedReport parse_junit(std::string_view document, std::size_t limit = CaseLimits::kCases);

}  // namespace stagebox::test_reports
