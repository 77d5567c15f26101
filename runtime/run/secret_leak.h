// Looks for secrets in what a stage declared as its outputs, before anything of it is stored: in
// the files, in their names, and in what links say.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/run/engine/left_workspace.h"
#include "runtime/run/secrets/secret_automaton.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// A sentence for each output that contains a secret, with the place, in which it is masked. Called
/// only after the last process of the stage is dead. What cannot be looked at is such a sentence
/// too, and what is larger than it may be (`max_size`, `max_entries` of all outputs together) and
/// so would not be stored anyway; an output that is missing is none. kCancelled when it is stopped.
base::Result<std::vector<std::string>> find_secrets(const std::vector<scheduler::Output>& outputs,
                                                    const WorkspaceView& workspace,
                                                    const SecretAutomaton& secrets,
                                                    std::uint64_t max_entries,
                                                    const std::stop_token& stop = {});

/// How much is searched: as much as may be stored.
struct SearchLimits {
  std::uint64_t bytes = std::numeric_limits<std::uint64_t>::max();    ///< read of files
  std::uint64_t entries = std::numeric_limits<std::uint64_t>::max();  ///< of directories
  std::stop_token stop = {};  ///< Ends it with kCancelled, soon.
};

/// The same for all of a directory: what is wrong, if anything is. More than `limits` is wrong too.
base::Result<std::optional<std::string>> find_secret_below(int dir_fd,
                                                           const SecretAutomaton& secrets,
                                                           const SearchLimits& limits);

}  // namespace stagebox::run
