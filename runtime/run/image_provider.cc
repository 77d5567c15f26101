#include "runtime/run/image_provider.h"

namespace stagebox::run {

using base::Result;

Result<std::shared_ptr<const OpenImage>> ImageProvider::get(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  const auto known = images_.find(name);
  if (known != images_.end()) return known->second;
  return images_.emplace(name, load(name)).first->second;
}

Result<std::shared_ptr<const OpenImage>> ImageProvider::load(const std::string& name) const {
  const scheduler::Image* declared = pipeline_.find_image(name);
  if (declared == nullptr) return base::not_found("the pipeline has no image \"" + name + "\"");
  auto open = std::make_shared<OpenImage>();
  if (const auto* tarball = std::get_if<scheduler::TarballImage>(&declared->source)) {
    images::ImportOptions options;
    options.pinned = declared->digest;
    options.stop = hooks_.stop;
    WatchedImport watched(hooks_.watch, tarball->path.display());
    options.progress = watched.progress();
    auto usable = TRY(store_.use_archive(project_path_ + "/" + tarball->path.display(), options));
    open->image = std::move(usable.image);
    open->rootfs = std::move(usable.rootfs);
  } else {
    const std::string& stored = std::get<scheduler::StoredImage>(declared->source).name;
    open->image = TRY(store_.find(stored));
    const bool pinned_other = declared->digest &&
                              *declared->digest != open->image.manifest_digest &&
                              *declared->digest != open->image.config_digest;
    if (pinned_other) {
      return base::invalid("the image \"" + stored + "\" is " + open->image.manifest_digest.oci() +
                           ", but the pipeline wants " + declared->digest->oci());
    }
    open->rootfs = TRY(store_.rootfs(open->image));
  }
  return std::shared_ptr<const OpenImage>(std::move(open));
}

}  // namespace stagebox::run
