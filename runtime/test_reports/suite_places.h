// Where in a JUnit report each case stands, for what its class and name do not tell: runners that
// run the same tests in several set-ups (Playwright's projects) write the same class and name into
// several suites. Pure.
#pragma once

#include <compare>
#include <cstddef>
#include <string>
#include <vector>

#include "runtime/test_reports/test_case.h"

namespace stagebox::test_reports {

/// A suite, as its report calls it; both may be empty.
struct SuitePlace {
  std::string path;  ///< Its name, those of the suites around it before it.
  std::string host;
  auto operator<=>(const SuitePlace&) const = default;
};

/// Puts before the suite of each case whose suite and name stand in several of `places` what tells
/// these apart: their paths, and their hosts where paths are the same. It is the same whatever the
/// order of the suites. Cases that nothing tells apart stay as they are, and so do all others.
/// `place_of`: for each case, which of `places`.
void tell_places_apart(std::vector<TestCase>& cases, const std::vector<std::size_t>& place_of,
                       const std::vector<SuitePlace>& places);

}  // namespace stagebox::test_reports
