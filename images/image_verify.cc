// ImageStore::verify: each layer once, however many of the images have it.
#include <set>

#include "images/image_store.h"
#include "images/layer_check.h"
#include "images/layer_store.h"

namespace stagebox::images {
namespace {

base::Result<void> verify_layer(const StoreDirs& dirs, const std::string& key,
                                const base::Digest& diff_id, const std::stop_token& stop,
                                VerifyReport& report) {
  ++report.layers;
  const auto layer = lease_layer(dirs.layers.get(), key);
  if (!layer.ok() && layer.error().kind == base::ErrorKind::kNotFound) {
    report.damages.push_back({diff_id, "", "the layer is missing"});
    return {};
  }
  if (!layer.ok()) return layer.error();
  const auto check = check_layer(layer->get(), diff_id, stop);
  if (!check.ok()) return check.error().with_context("verify the layer " + key);
  report.files += check->files;
  report.bytes += check->bytes;
  for (const LayerDamage& damage : check->damages) {
    report.damages.push_back({diff_id, damage.path, damage.what});
  }
  return {};
}

}  // namespace

base::Result<VerifyReport> ImageStore::verify(const std::vector<Image>& images,
                                              const std::stop_token& stop) const {
  VerifyReport report;
  std::set<std::string> done;
  for (const Image& image : images) {
    const auto chain = chain_ids(image.diff_ids);
    for (std::size_t i = 0; i < chain.size(); ++i) {
      const std::string key = layer_key(chain[i], ownership_);
      if (!done.insert(key).second) continue;
      TRY(verify_layer(dirs_, key, image.diff_ids[i], stop, report));
    }
  }
  return report;
}

}  // namespace stagebox::images
