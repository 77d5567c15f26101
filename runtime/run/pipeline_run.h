// One run of a pipeline on this machine: the plan is carried out, each change is recorded in the
// run store and told to a listener.
#pragma once

#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/run/engine/local_engine.h"
#include "runtime/run/local_stage_runner.h"
#include "runtime/run/memo_writer.h"
#include "runtime/run/run_listener.h"
#include "runtime/store/runs/run_types.h"
#include "scheduler/scheduler.h"

namespace stagebox::run {

struct PipelineRunRequest {
  const scheduler::Pipeline& pipeline;
  const scheduler::Plan& plan;
  std::string file;  ///< Absolute path of the pipeline file.
  base::TrustDomain domain;
  Permit permit;
  const Secrets& secrets;
  scheduler::SchedulerOptions options;
  CacheUse cache = {};
  sandbox::DeniedCalls denied_calls = sandbox::DeniedCalls::kAnswered;  ///< For exit reports.
  scheduler::CancelToken cancel;
  std::string request = {};  ///< RunRecord::request.
  /// A run that ended before its end: it goes on under its id, and what it finished is not done
  /// again, whatever `cache` says, when its key is still the same and its outputs are there.
  std::optional<store::RunDetails> resumed = {};
  ImportHooks imports = {};  ///< For the imports before the first stage.
  /// Is told in place of the listener, tells it, and makes a memo; null: none. Not for a run that
  /// is resumed.
  MemoWriter* memo = nullptr;
};

/// A fresh id.
base::Result<std::string> new_run_id();

base::Result<scheduler::RunSummary> run_pipeline(LocalEngine& engine,
                                                 const PipelineRunRequest& request,
                                                 RunListener& listener);

}  // namespace stagebox::run
