// The test results of one stage as bytes: how a worker that read the reports tells what it found,
// and how the content store keeps them. The decoder trusts nothing. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/test_reports/test_case.h"

namespace stagebox::test_reports {

/// One report for each file, in the order of the files.
std::string encode_reports(const std::vector<ParsedReport>& reports);
/// kCorrupt for anything that encode_reports() would not make, or more than CaseLimits allow.
base::Result<std::vector<ParsedReport>> decode_reports(std::string_view bytes);

}  // namespace stagebox::test_reports
