// Output capture: takes what a stage declared out of its workspace and into the content store.
// Called only after the last process of the stage is dead; still nothing in the workspace is
// trusted.
#pragma once

#include <cstdint>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/run/engine/left_workspace.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/stage_result.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// What was captured, or what is wrong with it: `problems` is the stage's fault (a missing output,
/// one of the wrong type, too large, a link, a device), an Error is ours (a full disk).
struct Capture {
  std::vector<store::StoredOutput> outputs;
  std::vector<std::string> problems;
};

/// As many as one tree may have, unless the stage says less.
inline constexpr std::uint64_t kDefaultMaxOutputFiles = 1'000'000;
/// Bytes, holes included, of all outputs together that have no `max_size`. To make a file as large
/// as that costs a stage nothing, to read it costs us minutes.
inline constexpr std::uint64_t kDefaultMaxOutputBytes = std::uint64_t{64} << 30U;

struct CaptureOptions {
  /// `kTaken` when no output lies in another one and the workspace is needed for nothing else. With
  /// a problem that can be seen without reading the files it is left as it was.
  store::SourceFiles source_files = store::SourceFiles::kKept;
  /// Of all outputs together; one directory has no more entries either. More is a problem.
  std::uint64_t max_files = kDefaultMaxOutputFiles;
  /// Whether all of them must be there.
  enum class Missing { kIsProblem, kIsFine } missing = Missing::kIsProblem;
  /// kCancelled when it is stopped.
  std::stop_token stop = {};
};

base::Result<Capture> capture_outputs(const std::vector<scheduler::Output>& outputs,
                                      const WorkspaceView& workspace, store::ContentStore& store,
                                      const CaptureOptions& options);

}  // namespace stagebox::run
