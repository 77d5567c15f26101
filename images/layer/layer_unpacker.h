// LayerUnpacker: unpacks and measures one layer: decompression, tar parsing, creation of files.
// This is the code that hostile bytes reach first, whatever is inflated, so it has an interface: an
// implementation may run it in a process that has nothing to lose. Whoever calls it compares what
// was found with what was promised.
#pragma once

#include <functional>
#include <stop_token>
#include <vector>

#include "images/base/import_progress.h"
#include "images/base/limits.h"
#include "images/layer/file_attributes.h"
#include "images/layer/layer_reader.h"
#include "images/layer/ownership.h"
#include "images/layer/parent_view.h"
#include "runtime/base/result.h"

namespace stagebox::images {

/// All descriptors stay the caller's.
struct LayerJob {
  LayerSource source;
  /// A directory with an empty "fs" for the layer's root; the layer's record and snapshot are
  /// written beside that. After an error it is to be removed. -1: nothing is made, the layer is
  /// only read and measured.
  int layer_fd = -1;
  /// Without a layer_fd: a file that the inflated bytes are written to. -1: nowhere.
  int copy_fd = -1;
  /// With a copy_fd, which must be open for reading too: an empty file that the layer's LayerIndex
  /// is written to, encoded. The layers below are not asked then. -1: nothing of that.
  int list_fd = -1;
  std::vector<int> parents;  ///< Directories of the layers below, top first.
  LayerOwnership ownership;
  Limits limits;
  BudgetUse used;  ///< By the layers that were complete when this one was started.
  /// Told now and then how far it is, on the thread that unpacks; may be empty.
  std::function<void(const LayerProgress&)> on_progress;
};

struct UnpackedLayer {
  LayerDigests digests;
  LayerStats stats;
  BudgetUse used;  ///< By this layer.
  /// There is no LayerIndex of this layer; nothing else here means anything.
  bool needs_directory = false;
};

class LayerUnpacker {
 public:
  LayerUnpacker() = default;
  LayerUnpacker(const LayerUnpacker&) = delete;
  LayerUnpacker& operator=(const LayerUnpacker&) = delete;
  virtual ~LayerUnpacker() = default;

  /// Blocks. `below` tells when the parents are complete: while it waits, other layers of the image
  /// go on. kCancelled when `stop` was requested, kInvalid for everything that is wrong with the
  /// layer. Thread-safe.
  virtual base::Result<UnpackedLayer> unpack(const LayerJob& job, ParentGate& below,
                                             const std::stop_token& stop) const = 0;
};

/// Does the work in this process.
class DirectUnpacker final : public LayerUnpacker {
 public:
  base::Result<UnpackedLayer> unpack(const LayerJob& job, ParentGate& below,
                                     const std::stop_token& stop) const override;
};

}  // namespace stagebox::images
