// When the images of the store were imported and last used. A use is a time stamp of a file beside
// the documents, which are never changed.
#pragma once

#include <chrono>
#include <optional>

#include "images/store_dirs.h"
#include "runtime/base/digest.h"

namespace stagebox::images {

using TimePoint = std::chrono::system_clock::time_point;

/// The image is used now. Best effort, and one system call: what starts a sandbox must not fail or
/// wait for it.
void note_use(const StoreDirs& dirs, const base::Digest& manifest);
/// nullopt: never.
std::optional<TimePoint> last_use(const StoreDirs& dirs, const base::Digest& manifest);
/// When it was unpacked here, or unpacked again. nullopt when there is no such image.
std::optional<TimePoint> import_time(const StoreDirs& dirs, const base::Digest& manifest);

}  // namespace stagebox::images
