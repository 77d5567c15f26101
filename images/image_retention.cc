#include "images/image_retention.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "images/image_catalog.h"
#include "images/layer_store.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

/// The layers of the store by chain id, whosever they are.
using Keys = std::multimap<base::Digest, std::string>;

base::Result<Keys> keys_by_chain_id(const StoreDirs& dirs) {
  Keys keys;
  const auto names = TRY(base::list_dir(dirs.layers.get()));
  for (const std::string& name : names) {
    const auto chain_id = chain_id_of_key(name);
    if (chain_id) keys.emplace(*chain_id, name);
  }
  return keys;
}

base::Result<bool> is_leased(const StoreDirs& dirs, const std::string& key) {
  const base::UniqueFd dir =
      TRY(base::open_beneath(dirs.layers.get(), key, O_RDONLY | O_DIRECTORY, base::Links::kRefuse));
  const bool is_free = TRY(lock_fd(dir.get(), LOCK_EX | LOCK_NB));
  return !is_free;
}

base::Result<RetainedImage> look_at(const StoreDirs& dirs, const base::Digest& manifest,
                                    const Keys& keys) {
  const Image image = TRY(load_image(dirs, manifest, LayerOwnership{}));
  RetainedImage retained;
  retained.manifest = manifest;
  retained.last_used = std::max(import_time(dirs, manifest).value_or(TimePoint()),
                                last_use(dirs, manifest).value_or(TimePoint()));
  const auto chain = chain_ids(image.diff_ids);
  for (const base::Digest& chain_id : chain) {
    std::uint64_t& bytes = retained.layers[chain_id];
    const auto [first, last] = keys.equal_range(chain_id);
    for (auto key = first; key != last; ++key) {
      const auto info = read_layer_info(dirs.layers.get(), key->second);
      if (info.ok()) bytes += info->tar_bytes;
      // A sandbox leases all layers; the top one is shared least.
      if (chain_id != chain.back()) continue;
      const bool leased = TRY(is_leased(dirs, key->second));
      retained.stays = retained.stays || leased;
    }
  }
  return retained;
}

}  // namespace

std::vector<base::Digest> choose_forgotten(const std::vector<RetainedImage>& images,
                                           const Retention& retention) {
  std::map<base::Digest, std::uint64_t> users;
  std::uint64_t bytes = 0;
  std::vector<const RetainedImage*> candidates;
  for (const RetainedImage& image : images) {
    for (const auto& [layer, size] : image.layers) bytes += users[layer]++ == 0 ? size : 0;
    if (!image.stays) candidates.push_back(&image);
  }
  std::ranges::stable_sort(candidates, {}, &RetainedImage::last_used);
  std::vector<base::Digest> forgotten;
  for (const RetainedImage* image : candidates) {
    const bool too_old = retention.used_since && image->last_used < *retention.used_since;
    const bool too_much = retention.max_bytes && bytes > *retention.max_bytes;
    if (!too_old && !too_much) break;  // nor are those after it
    forgotten.push_back(image->manifest);
    for (const auto& [layer, size] : image->layers) bytes -= --users[layer] == 0 ? size : 0;
  }
  return forgotten;
}

base::Result<std::uint64_t> forget_images(const StoreDirs& dirs, const Retention& retention) {
  if (!retention.used_since && !retention.max_bytes) return 0U;
  std::set<base::Digest> named;
  for (const auto& [name, manifest] : TRY(list_refs(dirs))) named.insert(manifest);
  const Keys keys = TRY(keys_by_chain_id(dirs));
  std::vector<RetainedImage> images;
  const auto manifests = TRY(list_digests(dirs.manifests.get()));
  for (const base::Digest& manifest : manifests) {
    images.push_back(TRY(look_at(dirs, manifest, keys)));
    if (named.contains(manifest)) images.back().stays = true;
  }
  const auto forgotten = choose_forgotten(images, retention);
  for (const base::Digest& manifest : forgotten) {
    if (::unlinkat(dirs.manifests.get(), manifest.hex().c_str(), 0) != 0 && errno != ENOENT) {
      return base::errno_error("forget the image " + manifest.oci());
    }
  }
  return forgotten.size();
}

}  // namespace stagebox::images
