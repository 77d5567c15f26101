// Coverage as JSON, as report_json.h: the same in events, in the report, and in what commands
// print.
#pragma once

#include <string>

#include "runtime/coverage/source_file.h"
#include "runtime/run/findings/stage_coverage.h"
#include "runtime/store/runs/coverage_store.h"

namespace stagebox::run {

/// An object with `lines`, `lines_covered`, `branches` and `branches_covered`.
std::string coverage_json(const coverage::Counts& counts);
/// The same, and the `run`.
std::string coverage_json(const store::EarlierCoverage& earlier);
/// The same, and the `path`, and what was `before`.
std::string coverage_json(const ComparedFile& file);

}  // namespace stagebox::run
