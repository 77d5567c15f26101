// StageInputs: turns the inputs of a stage into stored content: host paths are hashed into the
// content store, outputs of earlier stages are looked up. What comes out is what the key is made of
// and what is mounted.
#pragma once

#include <mutex>
#include <span>
#include <stop_token>
#include <string>
#include <unordered_map>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/run/memo/input_witness.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/stage_result.h"
#include "sandbox/scratch.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// Of one whose path leads out of the project, by a link.
inline constexpr char kInputLeadsOut[] =
    "leads out of the pipeline's directory by a link: inputs come from that directory and what is "
    "below it only";

/// The outputs of the stages that have succeeded so far in this run. Thread-safe.
class OutputTable {
 public:
  void put(const std::string& stage, std::vector<store::StoredOutput> outputs);
  /// kSystem when it is not there: the scheduler starts a stage only after what it takes from.
  [[nodiscard]] base::Result<store::StoredOutput> get(const std::string& stage,
                                                      const std::string& output) const;

 private:
  mutable std::mutex mutex_;
  std::unordered_map<std::string, std::vector<store::StoredOutput>> outputs_;
};

/// An input as stored content.
struct ResolvedInput {
  scheduler::Input input;
  store::StoredOutput content;
};

/// Where host paths come from, and go to. What it refers to outlives it.
struct InputSource {
  int project_fd = -1;  ///< The pipeline file's directory; it is not left by a link.
  const std::string& project_path;
  store::ContentStore& store;
  InputWitness* witness = nullptr;                   ///< May be null.
  std::stop_token stop = {};                         ///< Ends the reading with kCancelled.
  std::span<const store::RefusedFile> refused = {};  ///< No input has one of these.
};

base::Result<std::vector<ResolvedInput>> resolve_inputs(const scheduler::Stage& stage,
                                                        const OutputTable& outputs,
                                                        const InputSource& source);

/// An O_PATH descriptor for mounting it; `ids` are the stage's user.
base::Result<base::UniqueFd> open_content(const store::ContentStore& store,
                                          const ResolvedInput& input, const store::StageIds& ids);

/// A copy-on-write view of a single file is a copy of it in the workspace. Before the start.
base::Result<void> copy_overlay_files(const std::vector<ResolvedInput>& inputs,
                                      const store::ContentStore& content,
                                      sandbox::Scratch& scratch);

}  // namespace stagebox::run
