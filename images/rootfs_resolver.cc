// resolve_rootfs: a tar archive of a root file system as an image of one layer.
#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "images/compression.h"
#include "images/image_resolver.h"
#include "images/json_document.h"
#include "images/spool.h"
#include "images/tar_header.h"

namespace stagebox::images {
namespace {

// What a tar archive begins with; a good error beats the tar reader's.
base::Result<void> check_is_tar(std::span<const std::byte> first) {
  const auto wrong = base::invalid("it is not a tar archive");
  if (first.size() < kTarBlock) return wrong;
  const auto block = first.first<kTarBlock>();
  if (is_zero_block(block)) return base::invalid("it is an empty tar archive");
  return parse_tar_header(block).ok() ? base::Result<void>() : wrong;
}

// The layer's diff id has to be known before its image can be named.
base::Result<base::Digest> measure(const FileRange& archive, const Limits& limits,
                                   const ReadWatch& watch) {
  if (watch.progress != nullptr) {
    watch.progress->begin(ImportProgress::Phase::kReading, archive.size);
  }
  RangeStream stored(archive);
  WatchedStream watched(stored, watch);
  InflatedStream inflated(watched, limits);
  HashedStream hashed(inflated);
  bool is_checked = false;
  std::vector<std::byte> first;
  for (;;) {
    const auto piece = TRY(hashed.next());
    if (!is_checked) {
      const std::size_t missing = kTarBlock - first.size();
      first.insert(first.end(), piece.begin(),
                   piece.begin() + static_cast<std::ptrdiff_t>(std::min(missing, piece.size())));
      is_checked = first.size() == kTarBlock || piece.empty();
      if (is_checked) TRY(check_is_tar(first));
    }
    if (piece.empty()) return hashed.finish();
  }
}

std::string make_config(const Platform& platform, const base::Digest& diff_id) {
  Json config = {{"architecture", platform.architecture},
                 {"config", Json::object()},
                 {"os", platform.os},
                 {"rootfs", {{"type", "layers"}, {"diff_ids", Json::array({diff_id.oci()})}}}};
  if (!platform.variant.empty()) config["variant"] = platform.variant;
  return config.dump();
}

}  // namespace

base::Result<ResolvedImage> resolve_rootfs(const FileRange& archive, const Platform& platform,
                                           const Limits& limits, const ReadWatch& watch) {
  const base::Digest diff_id = TRY(measure(archive, limits, watch));
  ResolvedImage image;
  image.config_text = make_config(platform, diff_id);
  image.config = TRY(parse_config(image.config_text, limits));
  LayerSource layer;
  layer.label = "the root file system";
  layer.range = archive;
  layer.diff_id = diff_id;
  image.layers.push_back(std::move(layer));
  return image;
}

}  // namespace stagebox::images
