// resolve_rootfs: a tar archive of a root file system as an image of one layer.
#include "images/archive/image_resolver.h"
#include "images/archive/json_document.h"

namespace stagebox::images {
namespace {

std::string make_config(const Platform& platform, const base::Digest& diff_id) {
  Json config = {{"architecture", platform.architecture},
                 {"config", Json::object()},
                 {"os", platform.os},
                 {"rootfs", {{"type", "layers"}, {"diff_ids", Json::array({diff_id.oci()})}}}};
  if (!platform.variant.empty()) config["variant"] = platform.variant;
  return config.dump();
}

}  // namespace

base::Result<ResolvedImage> resolve_rootfs(const FileRange& archive, const LayerDigests& found,
                                           const Platform& platform, const Limits& limits) {
  ResolvedImage image;
  image.config_text = make_config(platform, found.diff_id);
  image.config = TRY(parse_config(image.config_text, limits));
  LayerSource layer;
  layer.label = "the root file system";
  layer.range = archive;
  layer.blob_digest = found.blob;
  layer.diff_id = found.diff_id;
  image.layers.push_back(std::move(layer));
  return image;
}

}  // namespace stagebox::images
