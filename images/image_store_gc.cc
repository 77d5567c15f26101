// ImageStore::collect_garbage. It holds the store's lock throughout: while no import runs, what no
// manifest leads to is garbage, and everything in tmp/ is of the dead.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <set>

#include "images/image_catalog.h"
#include "images/image_importer.h"
#include "images/image_store.h"
#include "images/layer_store.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

constexpr std::uint64_t kStatBlock = 512;  // st_blocks counts these (stat(2))
// Imported paths have at most 256 components. Only the report depends on this.
constexpr int kDeepest = 300;

// Best effort: what cannot be read is not counted.
std::uint64_t disk_bytes(int dir_fd, const std::string& name, int depth = 0) {
  const auto status = base::stat_at(dir_fd, name);
  if (!status.ok()) return 0;
  // Of a file with several names each has its share.
  std::uint64_t bytes = static_cast<std::uint64_t>(status->st_blocks) * kStatBlock;
  if (!S_ISDIR(status->st_mode)) return bytes / static_cast<std::uint64_t>(status->st_nlink);
  const auto dir = base::open_beneath(dir_fd, name, O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
  if (!dir.ok() || depth > kDeepest) return bytes;
  const auto names = base::list_dir(dir->get());
  if (!names.ok()) return bytes;
  for (const std::string& below : *names) bytes += disk_bytes(dir->get(), below, depth + 1);
  return bytes;
}

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
                                 GarbageReport& report) {
  const auto keys = TRY(base::list_dir(dirs.layers.get()));
  for (const std::string& key : keys) {
    const auto chain_id = chain_id_of_key(key);
    if (chain_id && referenced.chain_ids.contains(*chain_id)) continue;
    const bool retired = TRY(retire_layer(dirs, key, "removed." + key));
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

}  // namespace

base::Result<GarbageReport> ImageStore::collect_garbage() const {
  const base::UniqueFd lock = TRY(dirs_.lock());
  GarbageReport report;
  const auto leftovers = TRY(base::list_dir(dirs_.tmp.get()));
  report.leftovers_removed = leftovers.size();
  const Referenced referenced = TRY(find_referenced(dirs_));
  TRY(retire_layers(dirs_, referenced, report));
  const auto garbage = TRY(base::list_dir(dirs_.tmp.get()));
  for (const std::string& name : garbage) report.bytes_freed += disk_bytes(dirs_.tmp.get(), name);
  (void)TRY(remove_leftovers(dirs_));
  TRY(remove_documents(dirs_.manifests.get(), hex_of(referenced.manifests)));
  TRY(remove_documents(dirs_.configs.get(), hex_of(referenced.configs)));
  TRY(remove_stale_refs(dirs_, referenced));
  TRY(remove_stale_memos(dirs_, referenced));
  return report;
}

}  // namespace stagebox::images
