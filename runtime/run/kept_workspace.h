// Keeps what a stage that failed left in its workspace, as trees of the content store, so that
// `shell` can show it. A help and never a reason to fail: what cannot be kept is told.
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "runtime/run/engine/left_workspace.h"
#include "runtime/run/secrets/secret_automaton.h"
#include "runtime/run/stage/stage_inputs.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/runs/run_types.h"

namespace stagebox::run {

/// A larger workspace is not kept: the sizes of all its files together, in bytes, and how many
/// files, directories and links the workspace, or a copy-on-write directory in it, may have.
inline constexpr std::uint64_t kMostKeptBytes = std::uint64_t{1} << 30U;
inline constexpr std::uint64_t kMostKeptEntries = 100'000;

/// `inputs` are the stage's. `secrets` are the stage's own, or nullptr: a workspace that contains
/// one is not kept. Sockets, FIFOs and devices are left out. With `kTaken` the workspace is of no
/// use any more afterwards. Nothing is kept when it is stopped.
store::KeptWorkspace keep_workspace(LeftWorkspace& left, const std::vector<ResolvedInput>& inputs,
                                    const store::ContentStore& content,
                                    const SecretAutomaton* secrets, store::SourceFiles source_files,
                                    const std::stop_token& stop);

}  // namespace stagebox::run
