// The making of a layer in the form of an EROFS image (layer_form.h).
//
// Who unpacks (LayerUnpacker) gets two open files and nothing else: one for the archive as it is
// inflated, one for what it says of the names. Both come from a process that has read hostile
// bytes, and the first is never looked into here; the second is checked (decode_index), and from
// that, and from what the layers below have, the image that the kernel will read is written here.
#pragma once

#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include "images/layer/layer_unpacker.h"
#include "images/layer_store.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

/// Whether such layers can be made and mounted here. kUnsupported says why not. `dir_fd` is on the
/// file system that they would lie on; nothing is left in it.
base::Result<void> can_store_erofs(const LayerOwnership& ownership, int dir_fd);

struct MadeErofsLayer {
  LayerInfo info;
  base::UniqueFd root;  ///< Of the layer, mounted: the kernel takes what was made.
  BudgetUse used;
};

/// Fills the empty directory `layer_fd` but for layer.json. `job` says what to unpack; its
/// descriptors are not looked at. `below` waits for the layers below and gives their root
/// directories, top first; it is asked only when that matters. nullopt: this layer can only be a
/// directory, and `layer_fd` is empty again.
base::Result<std::optional<MadeErofsLayer>> make_erofs_layer(
    int layer_fd, LayerJob job, const LayerUnpacker& unpacker,
    const std::function<base::Result<std::vector<int>>()>& below, const std::stop_token& stop);

}  // namespace stagebox::images
