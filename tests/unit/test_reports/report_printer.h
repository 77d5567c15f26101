// A report as lines that a test can compare.
#pragma once

#include <ostream>
#include <string>
#include <vector>

#include "runtime/test_reports/test_case.h"

namespace stagebox::test_reports {

/// "failed suite|name|microseconds|message", "flaky ..." for one that passed at last; "!" and the
/// problem at the end.
inline std::vector<std::string> lines_of(const ParsedReport& report) {
  std::vector<std::string> lines;
  for (const TestCase& test : report.cases) {
    static constexpr const char* kWords[] = {"passed ", "failed ", "skipped "};
    std::string line = test.flaky ? "flaky " : kWords[static_cast<int>(test.status)];
    line += test.suite + "|" + test.name + "|";
    line += test.took ? std::to_string(test.took->count()) : "-";
    lines.push_back(line + "|" + test.message);
  }
  if (!report.problem.empty()) lines.push_back("!" + report.problem);
  return lines;
}

}  // namespace stagebox::test_reports
