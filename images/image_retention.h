// Retention: which images garbage collection may forget. Names are references: an image that was
// given one stays until somebody removes it. Without a name are those that a run or exec has
// imported from their archives, and would again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "images/image_use.h"
#include "images/store_dirs.h"
#include "runtime/base/digest.h"
#include "runtime/base/result.h"

namespace stagebox::images {

struct Retention {
  /// Images without a name that were neither used nor imported since then are forgotten.
  std::optional<TimePoint> used_since;
  /// And more of them, those that were used longest ago first, until the layers of all images take
  /// no more bytes (as uncompressed archives), or none is left that may go.
  std::optional<std::uint64_t> max_bytes;
};

/// An image as retention sees it.
struct RetainedImage {
  base::Digest manifest;
  bool stays = false;  ///< It has a name, or a sandbox uses it.
  TimePoint last_used;
  std::map<base::Digest, std::uint64_t> layers;  ///< Chain id to bytes.
};

/// Those to forget. Pure.
std::vector<base::Digest> choose_forgotten(const std::vector<RetainedImage>& images,
                                           const Retention& retention);

/// Forgets them: their layers become garbage. Returns how many there were. With the store's lock
/// held.
base::Result<std::uint64_t> forget_images(const StoreDirs& dirs, const Retention& retention);

}  // namespace stagebox::images
