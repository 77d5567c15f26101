// The memos of a state directory: one file for each question, the last one that was made.
#pragma once

#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/run/memo/run_memo.h"
#include "runtime/store/home.h"

namespace stagebox::run {

/// The memo of this very question, if there is one that can be read.
std::optional<RunMemo> load_memo(int home_fd, const std::string& question);
/// In place of the one before. A crash of the machine may damage it, which is seen.
base::Result<void> save_memo(const store::Home& home, const RunMemo& memo);
/// Removes those that are too old to hold.
base::Result<void> remove_old_memos(const store::Home& home);

}  // namespace stagebox::run
