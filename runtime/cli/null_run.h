// Null run: a `run` that is answered from the memo of an earlier one (run/run_memo.h), because
// everything is still as it was then. It starts no engine and no thread.
#pragma once

#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/trust_domain.h"
#include "runtime/cli/command_line/options.h"
#include "runtime/run/memo_writer.h"

namespace stagebox::cli {

/// What a memo says of a command, and what is looked at before the command reads anything. None for
/// a command that always goes the ordinary way.
std::optional<run::MemoBeginning> null_run_question(const RunOptions& options,
                                                    const base::TrustDomain& domain);

/// The exit status when there is a memo that holds: then the run is on record, and was told as any
/// other. None: the run goes the ordinary way, and nothing was told.
base::Result<std::optional<int>> answer_null_run(const RunOptions& options,
                                                 const run::MemoBeginning& beginning);

}  // namespace stagebox::cli
