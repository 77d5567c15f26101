#include "images/image_store.h"

#include <unistd.h>

#include <cerrno>
#include <ranges>

#include "images/erofs_layer.h"
#include "images/image_catalog.h"
#include "images/image_importer.h"
#include "images/layer_store.h"
#include "images/workspace.h"

namespace stagebox::images {

base::Result<ImageStore> ImageStore::open(int home_fd, const LayerOwnership& ownership,
                                          std::shared_ptr<const LayerUnpacker> unpacker,
                                          LayerForms forms) {
  auto dirs = StoreDirs::open(home_fd);
  if (!dirs.ok()) return dirs.error().with_context("open the image store");
  return ImageStore(std::move(*dirs), ownership, std::move(unpacker), forms);
}

base::Result<Image> ImageStore::import_archive(const std::string& path,
                                               const ImportOptions& options) const {
  return ImageImporter(dirs_, ownership_, *unpacker_, forms_, path, options).run();
}

// Whether its layers can be used is what using them tells: each is mounted once.
base::Result<std::optional<UsableImage>> ImageStore::recall_archive(
    const std::string& path, const ImportOptions& options) const {
  auto image =
      TRY(ImageImporter(dirs_, ownership_, *unpacker_, forms_, path, options).recall_only());
  if (!image) return std::optional<UsableImage>();
  auto found = rootfs(*image);
  if (!found.ok()) return std::optional<UsableImage>();
  return std::optional(UsableImage{std::move(*image), std::move(*found)});
}

base::Result<UsableImage> ImageStore::use_archive(const std::string& path,
                                                  const ImportOptions& options) const {
  constexpr int kAttempts = 5;
  for (int attempt = 1;; ++attempt) {
    UsableImage usable;
    usable.image = TRY(import_archive(path, options));
    auto found = rootfs(usable.image);
    if (!found.ok() && found.error().kind == base::ErrorKind::kNotFound && attempt < kAttempts) {
      continue;
    }
    usable.rootfs = TRY(std::move(found));
    return usable;
  }
}

base::Result<Image> ImageStore::find(const std::string& text) const {
  const base::Digest manifest = TRY(find_manifest(dirs_, text));
  return load_image(dirs_, manifest, ownership_);
}

base::Result<std::vector<StoredImage>> ImageStore::list() const {
  const auto refs = TRY(list_refs(dirs_));
  const auto manifests = TRY(list_digests(dirs_.manifests.get()));
  std::vector<StoredImage> images;
  for (const base::Digest& manifest : manifests) {
    auto image = load_image(dirs_, manifest, ownership_);
    // Removed while we were listing.
    if (!image.ok() && image.error().kind == base::ErrorKind::kNotFound) continue;
    if (!image.ok()) return image.error();
    StoredImage stored{{}, std::move(*image)};
    for (const auto& [name, digest] : refs) {
      if (digest == manifest) stored.names.push_back(name);
    }
    images.push_back(std::move(stored));
  }
  return images;
}

base::Result<std::vector<std::string>> ImageStore::remove(const std::string& text) const {
  const base::UniqueFd lock = TRY(dirs_.lock());
  const base::Digest manifest = TRY(find_manifest(dirs_, text));
  const auto refs = TRY(list_refs(dirs_));
  const auto named = refs.find(text);
  std::vector<std::string> other_names;
  for (const auto& [name, digest] : refs) {
    if (digest != manifest) continue;
    if (named != refs.end() && name != text) {
      other_names.push_back(name);
      continue;
    }
    TRY(remove_ref(dirs_, name));
  }
  if (!other_names.empty()) return other_names;
  if (::unlinkat(dirs_.manifests.get(), manifest.hex().c_str(), 0) != 0 && errno != ENOENT) {
    return base::errno_error("remove the image " + manifest.oci());
  }
  return other_names;
}

base::Result<void> ImageStore::recover() const {
  TRY(remove_dead_work(dirs_));
  return {};
}

std::string ImageStore::why_directories() const {
  if (forms_ == LayerForms::kDirectories) return "STAGEBOX_LAYERS asks for directories";
  const auto possible = can_store_erofs(ownership_, dirs_.tmp.get());
  return possible.ok() ? "" : possible.error().message;
}

base::Result<RootFs> ImageStore::rootfs(const Image& image) const {
  RootFs rootfs;
  const auto chain = chain_ids(image.diff_ids);
  for (const base::Digest& chain_id : std::views::reverse(chain)) {
    auto lease = lease_layer(dirs_.layers.get(), layer_key(chain_id, ownership_));
    auto root = lease.ok() ? open_layer_root(lease->get()) : lease.error();
    if (!root.ok()) {
      return root.error().with_context("use the image " + image.manifest_digest.oci() +
                                       " (import it again)");
    }
    rootfs.layers.push_back(std::move(*root));
    rootfs.leases.push_back(std::move(*lease));
  }
  note_use(dirs_, image.manifest_digest);
  return rootfs;
}

std::vector<std::string> ImageStore::files_of(const Image& image) const {
  std::vector<std::string> files{"images/manifests/" + image.manifest_digest.hex(),
                                 "images/configs/" + image.config_digest.hex()};
  for (const base::Digest& chain_id : chain_ids(image.diff_ids))
    files.push_back("images/layers/" + layer_key(chain_id, ownership_));
  return files;
}

std::string ImageStore::file_of_name(const std::string& name) {
  return "images/refs/" + ref_file(name);
}

}  // namespace stagebox::images
