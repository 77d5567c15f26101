// ImageDetails: what is known of a stored image beside what it is: what it takes, with whom it
// shares that, when it was made, imported and used, and what of its layers was not taken over.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "images/image_use.h"
#include "runtime/base/digest.h"

namespace stagebox::images {

struct LayerDetails {
  base::Digest diff_id;
  std::uint64_t bytes = 0;   ///< As an uncompressed archive: about what it takes on disk.
  std::uint64_t images = 0;  ///< That have it, this one included.
  std::uint64_t entries = 0;
  std::uint64_t skipped_devices = 0;
  std::uint64_t dropped_xattrs = 0;
  std::uint64_t degraded_xattrs = 0;
  std::uint64_t squashed_ids = 0;
};

struct ImageDetails {
  std::uint64_t unique_bytes = 0;  ///< Of layers that no other image has.
  std::uint64_t shared_bytes = 0;
  std::string created;  ///< RFC 3339, as the image's author wrote it; empty when he did not.
  std::optional<TimePoint> imported;
  std::optional<TimePoint> last_used;  ///< By a run or exec.
  std::vector<LayerDetails> layers;    ///< Bottom first; those that are missing have no bytes.
};

/// "created" of a config document; empty unless it looks like a time.
std::string created_in_config(const std::string& config_text);

}  // namespace stagebox::images
