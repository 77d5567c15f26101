// check_layer: whether a stored layer is still what was imported. The archive that it came from is
// compared with the layer's diff id, and every file's content with its checksum, to be named. Of a
// directory every name is compared with the layer's snapshot; of an EROFS image, which has all
// names in one file, that file's digest.
#pragma once

#include <stop_token>
#include <vector>

#include "images/layer_tar.h"
#include "runtime/base/digest.h"
#include "runtime/base/result.h"

namespace stagebox::images {

struct LayerCheck {
  std::uint64_t files = 0;           ///< Names looked at, directories and links included.
  std::uint64_t bytes = 0;           ///< Of the archive.
  std::vector<LayerDamage> damages;  ///< Sorted by path; each path once.
};

/// `layer_fd` is the layer's directory in the store. An Error only when that cannot be found out.
base::Result<LayerCheck> check_layer(int layer_fd, const base::Digest& diff_id,
                                     const std::stop_token& stop);

}  // namespace stagebox::images
