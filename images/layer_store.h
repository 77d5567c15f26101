// LayerStore: the layers of the image store: what they are called, whether they are there, and how
// they are kept from being removed while in use.
//
// A layer is identified by its chain id (OCI image-spec, config.md, "Layer ChainID"), not by its
// diff id: what is on disk depends on the layers below, through hard links to their files,
// directories that are only implied, and whiteouts that hide nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "images/layer/file_attributes.h"
#include "images/layer/ownership.h"
#include "images/store_dirs.h"
#include "runtime/base/digest.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

/// One for each diff id, bottom first.
std::vector<base::Digest> chain_ids(const std::vector<base::Digest>& diff_ids);
/// The name of the layer's directory.
std::string layer_key(const base::Digest& chain_id, const LayerOwnership& ownership);
/// nullopt for names that are no layer's.
std::optional<base::Digest> chain_id_of_key(const std::string& key);

/// Of a layer that is stored as an EROFS image (layer_form.h).
struct ErofsForm {
  base::Digest index;       ///< Of index.erofs.
  std::uint64_t names = 0;  ///< In it, the root included.
};

/// What is remembered about a layer, in layer.json.
struct LayerInfo {
  base::Digest diff_id;
  /// Of the stored bytes that it was unpacked from: that these have this diff id is known.
  std::optional<base::Digest> blob;
  std::uint64_t tar_bytes = 0;
  LayerStats stats;
  std::optional<ErofsForm> erofs;  ///< None: it is a directory.
};
/// Once, while the layer is made; the caller syncs.
base::Result<void> write_layer_info(int layer_dir_fd, const LayerInfo& info);
/// kNotFound when there is no such layer; kCorrupt when its description cannot be read.
base::Result<LayerInfo> read_layer_info(int layers_fd, const std::string& key);

/// The same, of the layer's directory.
base::Result<LayerInfo> read_layer_info(int layer_fd);

/// A layer in use. While the lease or a duplicate of it is open in any process, collect_garbage
/// does not remove the layer (a shared flock on its directory). The lease is the directory in which
/// the layer's files lie. kNotFound when it is not there, or was removed while we waited.
base::Result<base::UniqueFd> lease_layer(int layers_fd, const std::string& key);

/// The root directory, O_PATH, of a layer by its directory in the store. One that is stored as an
/// EROFS image is mounted, and stays so as long as the descriptor or a clone of the mount is open.
base::Result<base::UniqueFd> open_layer_root(int layer_fd);

/// Makes the directory `name` of `work_fd`, which is complete and on disk, visible as the layer. A
/// damaged one that is there takes its place in `work_fd`; kCorrupt when that one is in use.
base::Result<void> store_layer(const StoreDirs& dirs, int work_fd, const std::string& name,
                               const std::string& key);
/// Moves the layer into `work_fd`, where nobody looks for it; false when it is in use.
base::Result<bool> retire_layer(const StoreDirs& dirs, const std::string& key, int work_fd);

}  // namespace stagebox::images
