// What was found in a report as lines that a test can compare.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/coverage/coverage_builder.h"

namespace stagebox::coverage {

/// "path: 1 -2 3(1/2)": the lines that were not executed with a minus, branches taken of all.
inline std::vector<std::string> lines_of(const SourceFiles& files) {
  std::vector<std::string> lines;
  for (const SourceFile& file : files) {
    std::string line = file.path + ":";
    for (const SourceLine& one : file.lines) {
      line += (one.hit ? " " : " -") + std::to_string(one.number);
      if (one.branches != 0)
        line += "(" + std::to_string(one.branches_taken) + "/" + std::to_string(one.branches) + ")";
    }
    lines.push_back(line);
  }
  return lines;
}

using Read = base::Result<void>(std::string_view document, CoverageBuilder& builder);

/// Of several reports together; "!" and what is wrong with one.
inline std::vector<std::string> lines_of(Read* read, const std::vector<std::string_view>& reports) {
  CoverageBuilder builder;
  std::vector<std::string> problems;
  for (const std::string_view report : reports) {
    const auto done = read(report, builder);
    if (!done.ok()) problems.push_back("!" + done.error().message);
  }
  std::vector<std::string> lines = lines_of(builder.take());
  lines.insert(lines.end(), problems.begin(), problems.end());
  return lines;
}

}  // namespace stagebox::coverage
