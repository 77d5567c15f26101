// ImageStore::collect_garbage. While it holds the store's lock no image becomes visible, so a layer
// that no manifest leads to is garbage, unless it is leased: by a sandbox, or by an import whose
// image is not visible yet.
#include <unistd.h>

#include <set>

#include "images/disk_usage.h"
#include "images/image_catalog.h"
#include "images/image_store.h"
#include "images/import_memo.h"
#include "images/layer_store.h"
#include "images/workspace.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

struct Referenced {
  std::set<base::Digest> manifests;
  std::set<base::Digest> configs;
  std::set<base::Digest> chain_ids;
};

base::Result<Referenced> find_referenced(const StoreDirs& dirs) {
  Referenced referenced;
  const auto manifests = TRY(list_digests(dirs.manifests.get()));
  for (const base::Digest& manifest : manifests) {
    auto image = load_image(dirs, manifest, LayerOwnership{});
    if (!image.ok()) {
      return image.error().with_context("the image " + manifest.oci() +
                                        " (remove it, then collect again)");
    }
    referenced.manifests.insert(manifest);
    referenced.configs.insert(image->config_digest);
    for (const base::Digest& id : chain_ids(image->diff_ids)) referenced.chain_ids.insert(id);
  }
  return referenced;
}

base::Result<void> retire_layers(const StoreDirs& dirs, const Referenced& referenced,
                                 const Workspace& work, GarbageReport& report) {
  const auto keys = TRY(base::list_dir(dirs.layers.get()));
  for (const std::string& key : keys) {
    const auto chain_id = chain_id_of_key(key);
    if (chain_id && referenced.chain_ids.contains(*chain_id)) continue;
    const bool retired = TRY(retire_layer(dirs, key, work.fd()));
    ++(retired ? report.layers_removed : report.layers_in_use);
  }
  return {};
}

base::Result<void> remove_documents(int dir_fd, const std::set<std::string>& wanted) {
  const auto names = TRY(base::list_dir(dir_fd));
  for (const std::string& name : names) {
    if (!wanted.contains(name)) (void)::unlinkat(dir_fd, name.c_str(), 0);
  }
  return {};
}

std::set<std::string> hex_of(const std::set<base::Digest>& digests) {
  std::set<std::string> names;
  for (const base::Digest& digest : digests) names.insert(digest.hex());
  return names;
}

base::Result<void> remove_stale_refs(const StoreDirs& dirs, const Referenced& referenced) {
  const auto refs = TRY(list_refs(dirs));
  for (const auto& [name, manifest] : refs) {
    if (!referenced.manifests.contains(manifest)) TRY(remove_ref(dirs, name));
  }
  return {};
}

base::Result<void> remove_stale_memos(const StoreDirs& dirs, const Referenced& referenced) {
  const auto names = TRY(base::list_dir(dirs.memo.get()));
  for (const std::string& name : names) {
    const auto text = base::read_file_at(dirs.memo.get(), name, 4096);
    const auto manifest = text.ok() ? manifest_of_memo(*text) : std::nullopt;
    if (manifest && referenced.manifests.contains(*manifest)) continue;
    (void)::unlinkat(dirs.memo.get(), name.c_str(), 0);
  }
  return {};
}

// What no image needs any more, beside its layers.
base::Result<void> remove_unreferenced(const StoreDirs& dirs, const Referenced& referenced) {
  TRY(remove_documents(dirs.manifests.get(), hex_of(referenced.manifests)));
  TRY(remove_documents(dirs.configs.get(), hex_of(referenced.configs)));
  TRY(remove_documents(dirs.used.get(), hex_of(referenced.manifests)));
  TRY(remove_stale_refs(dirs, referenced));
  TRY(remove_stale_memos(dirs, referenced));
  for (const base::UniqueFd* dir : {&dirs.refs, &dirs.memo})
    TRY(base::remove_abandoned_files(dir->get()));
  return {};
}

}  // namespace

base::Result<GarbageReport> ImageStore::collect_garbage(const Retention& retention) const {
  GarbageReport report;
  const DeadWork dead = TRY(remove_dead_work(dirs_, Measure::kYes));
  report.leftovers_removed = dead.count;
  Workspace work = TRY(Workspace::create(dirs_));
  const std::uint64_t empty_bytes = disk_bytes(work.fd(), ".");
  {
    const base::UniqueFd lock = TRY(dirs_.lock());
    report.images_forgotten = TRY(forget_images(dirs_, retention));
    const Referenced referenced = TRY(find_referenced(dirs_));
    TRY(retire_layers(dirs_, referenced, work, report));
    TRY(remove_unreferenced(dirs_, referenced));
  }
  // What takes long is done when nobody waits for it any more.
  report.bytes_freed = dead.bytes + disk_bytes(work.fd(), ".") - empty_bytes;
  TRY(work.remove());
  return report;
}

}  // namespace stagebox::images
