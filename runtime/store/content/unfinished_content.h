// What processes left in the content store that died in the middle of an operation, and how things
// go from it: renamed under the lock, removed without it, because removing a large tree takes long.
// Internal to the store.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/store/content/blob_files.h"

namespace stagebox::store {

/// What begins so is to be removed, by whoever sees it first.
inline constexpr std::string_view kCondemnedPrefix = ".old-";

/// The caller has the lock alone.
base::Result<void> condemn(int dir_fd, const std::string& name);
/// All that is unfinished: with the lock alone it belongs to the dead. Returns how much it is.
base::Result<std::uint64_t> condemn_unfinished(const BlobFiles& files);
base::Result<void> remove_condemned(const BlobFiles& files);

/// Removes what is unfinished, when nobody uses the store at this moment or in the next; else that
/// is left for gc.
base::Result<void> remove_unfinished(const BlobFiles& files);

}  // namespace stagebox::store
