// ImageStore::details.
#include "images/image_details.h"

#include <algorithm>
#include <map>
#include <set>

#include "images/archive/json_document.h"
#include "images/image_store.h"
#include "images/layer_store.h"

namespace stagebox::images {
namespace {

/// Chain id to the number of images that have it.
using Sharing = std::map<base::Digest, std::uint64_t>;

Sharing sharing_of(const std::vector<StoredImage>& images) {
  Sharing sharing;
  for (const StoredImage& stored : images) {
    for (const base::Digest& chain_id : chain_ids(stored.image.diff_ids)) ++sharing[chain_id];
  }
  return sharing;
}

LayerDetails layer_details(const LayerInfo& info) {
  LayerDetails layer;
  layer.diff_id = info.diff_id;
  layer.bytes = info.tar_bytes;
  layer.entries = info.stats.entries;
  layer.skipped_devices = info.stats.skipped_devices;
  layer.dropped_xattrs = info.stats.dropped_xattrs;
  layer.degraded_xattrs = info.stats.degraded_xattrs;
  layer.squashed_ids = info.stats.squashed_ids;
  return layer;
}

ImageDetails details_of(const StoreDirs& dirs, const LayerOwnership& ownership, const Image& image,
                        Sharing& sharing) {
  ImageDetails details;
  const auto config = read_by_digest(dirs.configs.get(), image.config_digest);
  if (config.ok()) details.created = created_in_config(*config);
  details.imported = import_time(dirs, image.manifest_digest);
  details.last_used = last_use(dirs, image.manifest_digest);
  const auto chain = chain_ids(image.diff_ids);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const auto info = read_layer_info(dirs.layers.get(), layer_key(chain[i], ownership));
    LayerDetails layer = info.ok() ? layer_details(*info) : LayerDetails{image.diff_ids[i]};
    layer.images = sharing[chain[i]];
    (layer.images > 1 ? details.shared_bytes : details.unique_bytes) += layer.bytes;
    details.layers.push_back(layer);
  }
  return details;
}

}  // namespace

std::string created_in_config(const std::string& config_text) {
  constexpr std::size_t kLongest = 40;
  const auto config = parse_json(config_text, Limits{});
  if (!config.ok()) return "";
  const auto text = string_field(*config, "created");
  if (!text.ok() || text->size() > kLongest) return "";
  const bool looks_right = std::ranges::all_of(*text, [](char letter) {
    return std::string_view("0123456789-+:.TtZz ").find(letter) != std::string_view::npos;
  });
  return looks_right ? *text : "";
}

std::vector<ImageDetails> ImageStore::details(const std::vector<StoredImage>& images) const {
  Sharing sharing = sharing_of(images);
  std::vector<ImageDetails> all;
  all.reserve(images.size());
  for (const StoredImage& stored : images) {
    all.push_back(details_of(dirs_, ownership_, stored.image, sharing));
  }
  return all;
}

}  // namespace stagebox::images
