#include "runtime/run/stage/image_provider.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/files.h"

namespace stagebox::run {

using base::Result;

Result<std::shared_ptr<const OpenImage>> ImageProvider::get(const std::string& name) {
  const std::scoped_lock lock(mutex_);
  const auto known = images_.find(name);
  if (known != images_.end()) return known->second;
  return images_.emplace(name, load(name)).first->second;
}

std::map<std::string, std::shared_ptr<const OpenImage>> ImageProvider::opened() {
  const std::scoped_lock lock(mutex_);
  std::map<std::string, std::shared_ptr<const OpenImage>> opened;
  for (const auto& [name, image] : images_) {
    if (image.ok()) opened.emplace(name, *image);
  }
  return opened;
}

std::string ImageProvider::described(const std::string& name) const {
  const scheduler::Image* declared = pipeline_.find_image(name);
  if (declared == nullptr) return name;
  const auto* tarball = std::get_if<scheduler::TarballImage>(&declared->source);
  return name + " (" +
         (tarball != nullptr ? tarball->path.display()
                             : std::get<scheduler::StoredImage>(declared->source).name) +
         ")";
}

Result<std::string> ImageProvider::archive_path(const base::RelativePath& path) const {
  std::string named = project_path_ + "/" + path.display();
  if (trust_ == base::Trust::kTrusted) return named;
  const base::UniqueFd project = TRY(base::open_path(project_path_, O_RDONLY | O_DIRECTORY));
  const auto file =
      base::open_beneath(project.get(), path.display(), O_PATH, base::Links::kFollowBeneath);
  if (!file.ok() && file.error().errno_value == EXDEV) {
    return base::invalid("the archive " + named +
                         " leads out of the pipeline's directory by a link: archives of an "
                         "untrusted run come from that directory and what is below it only, and no "
                         "policy can permit more");
  }
  if (!file.ok()) return file.error().with_context("open the archive " + named);
  auto real = base::path_of(file->get());
  if (!real.ok()) return real.error().with_context("the archive " + named);
  return real;
}

Result<void> ImageProvider::check_name(const std::string& stored) const {
  if (trust_ == base::Trust::kTrusted) return {};
  const auto known = TRY(store_.list());
  const bool named = std::ranges::any_of(known, [&stored](const images::StoredImage& image) {
    return std::ranges::find(image.names, stored) != image.names.end();
  });
  if (named) return {};
  return base::not_found(
      "no image was imported under the name \"" + stored +
      "\": an untrusted run uses stored images by a name that somebody gave, not "
      "by a digest, and no policy can permit more");
}

Result<std::shared_ptr<const OpenImage>> ImageProvider::load(const std::string& name) const {
  const scheduler::Image* declared = pipeline_.find_image(name);
  if (declared == nullptr) return base::not_found("the pipeline has no image \"" + name + "\"");
  auto open = std::make_shared<OpenImage>();
  if (const auto* tarball = std::get_if<scheduler::TarballImage>(&declared->source)) {
    const std::string path = TRY(archive_path(tarball->path));
    images::ImportOptions options;
    options.pinned = declared->digest;
    auto usable = TRY(store_.recall_archive(path, options));
    if (!usable) {
      options.stop = hooks_.stop;
      WatchedImport watched(hooks_.watch, tarball->path.display());
      options.progress = watched.progress();
      usable = TRY(store_.use_archive(path, options));
    }
    open->image = std::move(usable->image);
    open->rootfs = std::move(usable->rootfs);
  } else {
    const std::string& stored = std::get<scheduler::StoredImage>(declared->source).name;
    TRY(check_name(stored));
    open->image = TRY(store_.find(stored));
    if (declared->digest && !open->image.is(*declared->digest)) {
      return base::invalid("the image \"" + stored + "\" is " + open->image.manifest_digest.oci() +
                           ", but the pipeline wants " + declared->digest->oci());
    }
    open->rootfs = TRY(store_.rootfs(open->image));
  }
  return std::shared_ptr<const OpenImage>(std::move(open));
}

}  // namespace stagebox::run
