// What a stage's tests covered in one attempt, from its reports to what is stored of it.
#pragma once

#include "runtime/base/result.h"
#include "runtime/coverage/coverage_codec.h"
#include "runtime/run/engine/report_reader.h"
#include "runtime/run/secrets/secret_automaton.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/stage_result.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// Reads the coverage reports of a stage that is dead. Names of files are masked when there are
/// `secrets`, which may be nullptr. An error is ours: what the stage did wrong is in `problems`, a
/// sentence each.
base::Result<coverage::ReadCoverage> read_coverage(const scheduler::Stage& stage, int workspace_fd,
                                                   const ReportReader& reader,
                                                   const SecretAutomaton* secrets);

base::Result<store::CoverageRef> store_coverage(const coverage::ReadCoverage& coverage,
                                                const store::ContentStore& content);
/// kNotFound when it has been removed.
base::Result<coverage::ReadCoverage> load_coverage(const store::CoverageRef& report,
                                                   const store::ContentStore& content);

}  // namespace stagebox::run
