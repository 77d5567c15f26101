#include "images/archive/image_resolver.h"

#include "images/base/text.h"

namespace stagebox::images {

base::Result<std::string> read_document(ArchiveSource& source, const std::string& name,
                                        const Limits& limits) {
  const auto range = TRY(source.find(name));
  if (!range) return base::invalid(quote(name) + " is missing" + source.remark());
  auto text = read_whole_range(*range, limits.json_bytes);
  if (!text.ok()) return text.error().with_context(quote(name));
  return text;
}

base::Result<void> check_platform(const Platform& offered, const Platform& wanted) {
  if (wanted.accepts(offered)) return {};
  const Platform host = Platform::host();
  const std::string here =
      host.accepts(wanted) ? "this machine is " + host.display() : wanted.display() + " is wanted";
  return base::invalid("the image is for " + offered.display() + ", " + here);
}

base::Result<void> check_layers(const ResolvedImage& image, const Limits& limits) {
  const std::size_t count = image.layers.size();
  if (count == 0) return base::invalid("the image has no layers: nothing could run in it");
  if (count > limits.layers) {
    return base::invalid("the image has " + std::to_string(count) + " layers; the limit is " +
                         std::to_string(limits.layers));
  }
  if (count != image.config.diff_ids.size()) {
    return base::invalid("the image has " + std::to_string(count) + " layers, but its config has " +
                         std::to_string(image.config.diff_ids.size()) + " diff ids");
  }
  return {};
}

base::Result<ResolvedImage> resolve_image(ArchiveSource& source, const Selection& selection,
                                          const Limits& limits) {
  const auto layout = TRY(source.find("oci-layout"));
  const auto docker = TRY(source.find("manifest.json"));
  if (layout) {
    auto image = resolve_oci_image(source, selection, limits);
    // Docker 25 wrote OCI layouts without images or layers beside a good manifest.json (moby
    // #47065, #47210). Only kNotFound means that; what is wrong stays wrong.
    if (image.ok() || image.error().kind != base::ErrorKind::kNotFound) return image;
    if (!docker) return base::invalid(image.error().message + source.remark());
  }
  if (docker) return resolve_docker_image(source, selection, limits);
  return base::invalid("it is no image: neither \"oci-layout\" nor \"manifest.json\" is in it" +
                       source.remark() + "; a plain root file system is imported with --rootfs");
}

}  // namespace stagebox::images
