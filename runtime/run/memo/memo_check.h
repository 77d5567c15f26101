// Whether what a RunMemo says still holds: everything that the run looked at is looked at once
// more, by its status alone. Any doubt is a no; then the run goes the ordinary way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/run/memo/run_memo.h"

namespace stagebox::run {

/// An older memo does not hold: what it relies on would not be marked as used for too long.
inline constexpr std::int64_t kLongestMemo = 600'000'000'000;  // ns; as store::kUseResolution

/// What is there now; none: nothing, or below a project something that cannot be looked at. What
/// else cannot be looked at has a stamp that no memo has.
std::optional<store::EntryStamp> stamp_at(const MemoPlace& place, int project_fd);
/// `home_fd` is the state directory.
bool still_holds(const RunMemo& memo, const std::string& question, const MemoClock& now,
                 int home_fd);

}  // namespace stagebox::run
