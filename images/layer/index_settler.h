// settle_index: what of a LayerIndex only the layers below can decide.
#pragma once

#include "images/layer/layer_index.h"
#include "images/layer/parent_view.h"
#include "runtime/base/result.h"

namespace stagebox::images {

/// Whether settle_index() will ask the layers below anything.
bool asks_below(const LayerIndex& index);

/// Implied directories get the attributes that the layers below have; whiteouts that hide nothing
/// go, and what is below an opaque root is hidden by name, as the kernel does not look for the mark
/// there.
base::Result<void> settle_index(LayerIndex& index, const ParentView& below,
                                const LayerOwnership& ownership, LayerStats& stats);

}  // namespace stagebox::images
