// RunContext: what a run brings with it for its stages.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/logs/log_watch.h"
#include "runtime/run/engine/launcher.h"
#include "runtime/run/engine/report_reader.h"
#include "runtime/run/secrets/added_masks.h"
#include "runtime/run/secrets/secrets.h"
#include "runtime/run/stage/image_provider.h"
#include "runtime/run/stage/stage_inputs.h"
#include "runtime/run/stage_cache.h"
#include "runtime/run/stage_caches.h"
#include "runtime/run/stage_record.h"
#include "runtime/run/state/log_archivist.h"
#include "runtime/store/content/unsynced_files.h"
#include "runtime/store/runs/coverage_store.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// All that it refers to outlives it.
struct RunContext {
  Launcher& launcher;
  ImageProvider& images;
  store::ContentStore& content;
  const StageCache& cache;
  const store::CoverageStore& coverage;
  StageRecords& records;  ///< Told of every attempt that ended.
  std::shared_ptr<const sandbox::SeccompProgram> seccomp;
  std::string run_id;
  const base::TrustDomain& domain;
  const Permit& permit;  ///< For all stages of the run.
  const Secrets& secrets;
  StageMasks& masks;
  int home_fd = -1;     ///< The state directory.
  int project_fd = -1;  ///< The pipeline file's directory.
  std::string project_path;
  int log_dir = -1;
  std::string log_path;
  store::UnsyncedFiles& unsynced_logs;  ///< In log_dir.
  LogArchivist& archivist;              ///< Of log_dir.
  unsigned jobs = 1;                    ///< Slots of the run.
  logs::LastLine last_line;             ///< Of what stages write.
  CacheServices caches;
  ReportReader reports;
  InputWitness* witness = nullptr;  ///< Of all inputs; may be null.
  std::string project = {};         ///< That the runner named; empty: none.
  /// Kills what is left of runs whose Stagebox died.
  std::function<base::Result<void>()> undo_dead = {};

  /// The masks that a stage added, as its runs before left them.
  [[nodiscard]] AddedMasks& added_masks(const scheduler::Stage& stage) const {
    return masks.of(stage.id);
  }
  /// For masking what a stage says; nullptr when the run has no secrets. A stage that declares none
  /// may come to one all the same: in the output of another that did not look like it.
  [[nodiscard]] const SecretAutomaton* masking() const {
    return secrets.empty() ? nullptr : &secrets.automaton();
  }
  /// The same for what a stage leaves, which is refused: of one that declares no secret only what
  /// can be nothing else.
  [[nodiscard]] const SecretAutomaton* leaks_of(const scheduler::Stage& stage) const {
    if (secrets.empty()) return nullptr;
    const bool all = leak_forms(stage) == Secrets::Forms::kAll;
    return all ? &secrets.automaton() : &secrets.leak_automaton();
  }
  /// In which forms they are looked for there.
  [[nodiscard]] static Secrets::Forms leak_forms(const scheduler::Stage& stage) {
    return stage.secret_names().empty() ? Secrets::Forms::kTelling : Secrets::Forms::kAll;
  }
};

}  // namespace stagebox::run
