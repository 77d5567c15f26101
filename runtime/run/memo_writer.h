// MemoWriter: makes a RunMemo of a run while it goes on, as one of those who watch it. When
// anything had to run, or changed too lately to be sure of it, there is none.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "runtime/run/engine/local_engine.h"
#include "runtime/run/memo/input_witness.h"
#include "runtime/run/memo/run_memo.h"
#include "runtime/run/run_listener.h"
#include "runtime/run/stage/image_provider.h"
#include "runtime/store/content/stored_files.h"

namespace stagebox::run {

/// From before the run read anything.
struct MemoBeginning {
  std::string question;
  MemoClock clock;
  std::vector<MemoPlace> places;  ///< The pipeline file, the policy, this program, ...
  MemoPlace project;
};
/// Looks at the files (absolute paths) and at the directory, now.
MemoBeginning begin_memo(std::string question, const std::vector<std::string>& files,
                         const std::string& project);

class MemoWriter final : public RunListener {
 public:
  /// `next` is told everything; it and the engine outlive this. `warning` was told before.
  MemoWriter(MemoBeginning beginning, std::string warning, LocalEngine& engine, RunListener& next);

  InputWitness& inputs() { return inputs_; }
  /// Before any is opened.
  void look_at_archives(const scheduler::Pipeline& pipeline, int project_fd);
  void on_run_started(const std::string& run_id) override;
  void on_estimates(const scheduler::StageEstimates& estimates) override {
    next_.on_estimates(estimates);
  }
  void on_stage(const scheduler::PlannedStage& stage, const scheduler::StageOutcome& outcome,
                const StageRecord* record, std::chrono::milliseconds elapsed) override;
  [[nodiscard]] bool wants_output() const override { return next_.wants_output(); }
  void on_output(const scheduler::PlannedStage& stage,
                 const std::shared_ptr<const logs::LogWatch>& output) override {
    next_.on_output(stage, output);
  }
  void on_warning(const std::string& text) override { next_.on_warning(text); }
  void on_run_finished(const scheduler::RunSummary& summary,
                       std::chrono::milliseconds elapsed) override;

  struct Ended {
    const scheduler::Pipeline& pipeline;
    const scheduler::Plan& plan;
    ImageProvider& images;
    int project_fd = -1;
  };
  /// When the end of the run is on record. Best effort: without a memo the next run takes longer.
  void finish(const Ended& ended);

 private:
  bool add_cached(const StageRecord& record);
  [[nodiscard]] bool add_images(const Ended& ended);
  bool add_log(const std::string& path);
  bool add_file(const std::string& path, std::vector<MemoStateFile>& files) const;
  [[nodiscard]] bool are_unchanged(int project_fd) const;
  void look_at_skipped(const Ended& ended);
  [[nodiscard]] bool is_settled() const;

  LocalEngine& engine_;
  RunListener& next_;
  InputWitness inputs_;
  RunMemo memo_;
  std::vector<MemoStateFile> image_files_;
  store::StoredFiles files_;
  bool possible_ = true;
};

}  // namespace stagebox::run
