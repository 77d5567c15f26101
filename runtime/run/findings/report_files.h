// find_reports: the files that a stage declared as its test or coverage reports, opened. Called
// only after the last process of the stage is dead; still nothing in the workspace is trusted.
#pragma once

#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/run/engine/report_reader.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// What was found, by declaration and path, each file once; and what is wrong with it, which is the
/// stage's fault: a required report that is missing, a link, a device, more than ReportLimits
/// allow.
struct FoundReports {
  std::vector<ReportFile> files;
  std::vector<std::string> problems;
  std::size_t missing = 0;  ///< Declarations that name no file and need not.
};

/// No link is followed. Directories that cannot be read are a problem of the stage's too.
base::Result<FoundReports> find_reports(const std::vector<scheduler::DeclaredReports>& declared,
                                        int workspace_fd);

}  // namespace stagebox::run
