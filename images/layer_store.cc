#include "images/layer_store.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>

#include <cerrno>
#include <optional>

#include "images/archive/json_document.h"
#include "images/base/text.h"
#include "images/erofs_mount.h"
#include "images/layer/layer_form.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

constexpr std::size_t kLargestInfo = 64UL << 10U;
constexpr const char* kErofsForm = "erofs";

base::Error no_layer(const std::string& key) {
  return base::not_found("the image store does not have the layer " + key);
}

base::Result<base::Digest> digest_field(const Json& json, const char* name) {
  const std::string text = TRY(string_field(json, name));
  return base::Digest::from_oci(text);
}

base::Result<LayerStats> stats_of(const Json& json) {
  LayerStats stats;
  stats.entries = TRY(size_field(json, "entries"));
  stats.skipped_devices = TRY(size_field(json, "skipped_devices"));
  stats.dropped_xattrs = TRY(size_field(json, "dropped_xattrs"));
  stats.degraded_xattrs = TRY(size_field(json, "degraded_xattrs"));
  stats.hidden_links = TRY(size_field(json, "hidden_links"));
  const bool knows_squashing = find_field(json, "squashed_ids") != nullptr;
  if (knows_squashing) stats.squashed_ids = TRY(size_field(json, "squashed_ids"));
  return stats;
}

base::Result<LayerInfo> layer_info_of(const Json& json) {
  LayerInfo info;
  info.diff_id = TRY(digest_field(json, "diff_id"));
  const bool knows_blob = find_field(json, "blob") != nullptr;
  if (knows_blob) info.blob = TRY(digest_field(json, "blob"));
  info.tar_bytes = TRY(size_field(json, "tar_bytes"));
  info.stats = TRY(stats_of(json));
  const bool has_form = find_field(json, "form") != nullptr;
  if (!has_form) return info;
  const std::string form = TRY(string_field(json, "form"));
  if (form != kErofsForm) {
    return base::unsupported("a newer Stagebox has stored the layer in the form " + quote(form));
  }
  info.erofs = ErofsForm{TRY(digest_field(json, "index")), TRY(size_field(json, "names"))};
  return info;
}

}  // namespace

std::vector<base::Digest> chain_ids(const std::vector<base::Digest>& diff_ids) {
  std::vector<base::Digest> chain;
  chain.reserve(diff_ids.size());
  for (const base::Digest& diff_id : diff_ids) {
    chain.push_back(chain.empty() ? diff_id
                                  : base::Sha256::of(chain.back().oci() + " " + diff_id.oci()));
  }
  return chain;
}

std::string layer_key(const base::Digest& chain_id, const LayerOwnership& ownership) {
  return chain_id.hex() + ownership.suffix();
}

std::optional<base::Digest> chain_id_of_key(const std::string& key) {
  const auto digest =
      base::Digest::from_hex(std::string_view(key).substr(0, base::Digest::kHexChars));
  return digest.ok() ? std::optional(*digest) : std::nullopt;
}

base::Result<void> write_layer_info(int layer_dir_fd, const LayerInfo& info) {
  Json json = {{"diff_id", info.diff_id.oci()},
               {"tar_bytes", info.tar_bytes},
               {"entries", info.stats.entries},
               {"skipped_devices", info.stats.skipped_devices},
               {"dropped_xattrs", info.stats.dropped_xattrs},
               {"degraded_xattrs", info.stats.degraded_xattrs},
               {"hidden_links", info.stats.hidden_links},
               {"squashed_ids", info.stats.squashed_ids}};
  if (info.blob) json["blob"] = info.blob->oci();
  if (info.erofs) {
    json["form"] = kErofsForm;
    json["index"] = info.erofs->index.oci();
    json["names"] = info.erofs->names;
  }
  // Not synced: that is done once, for everything that an import wrote.
  const base::UniqueFd file = TRY(base::open_beneath(
      layer_dir_fd, "layer.json", O_WRONLY | O_CREAT | O_EXCL, base::Links::kRefuse, 0600));
  return base::write_all(file.get(), json.dump() + "\n");
}

base::Result<LayerInfo> read_layer_info(int layers_fd, const std::string& key) {
  const auto dir = base::open_beneath(layers_fd, key, O_PATH | O_DIRECTORY, base::Links::kRefuse);
  if (!dir.ok() && dir.error().errno_value == ENOENT) return no_layer(key);
  if (!dir.ok()) return dir.error();
  auto info = read_layer_info(dir->get());
  if (!info.ok() && info.error().errno_value == ENOENT) return no_layer(key);
  return info.ok() ? std::move(info) : info.error().with_context("the layer " + key);
}

base::Result<LayerInfo> read_layer_info(int layer_fd) {
  const std::string text = TRY(base::read_file_at(layer_fd, "layer.json", kLargestInfo));
  const auto json = parse_json(text, Limits{});
  if (!json.ok()) return base::corrupt("its layer.json is damaged");
  return layer_info_of(*json);
}

base::Result<base::UniqueFd> lease_layer(int layers_fd, const std::string& key) {
  auto dir = base::open_beneath(layers_fd, key, O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
  if (!dir.ok() && dir.error().errno_value == ENOENT) return no_layer(key);
  if (!dir.ok()) return dir.error();
  (void)TRY(lock_fd(dir->get(), LOCK_SH));
  const struct stat ours = TRY(base::stat_fd(dir->get()));
  const auto now = base::stat_at(layers_fd, key);
  if (!now.ok() || now->st_ino != ours.st_ino) return no_layer(key);
  return dir;
}

base::Result<base::UniqueFd> open_layer_root(int layer_fd) {
  auto files =
      base::open_beneath(layer_fd, kLayerFiles, O_PATH | O_DIRECTORY, base::Links::kRefuse);
  if (files.ok() || files.error().errno_value != ENOENT) return files;
  const base::UniqueFd index =
      TRY(base::open_beneath(layer_fd, kLayerIndex, O_RDONLY, base::Links::kRefuse));
  const base::UniqueFd archive =
      TRY(base::open_beneath(layer_fd, kLayerArchive, O_RDONLY, base::Links::kRefuse));
  return mount_erofs(index.get(), archive.get());
}

base::Result<void> store_layer(const StoreDirs& dirs, int work_fd, const std::string& name,
                               const std::string& key) {
  const auto there =
      base::open_beneath(dirs.layers.get(), key, O_RDONLY | O_DIRECTORY, base::Links::kRefuse);
  unsigned flags = RENAME_NOREPLACE;
  if (there.ok()) {
    const bool is_free = TRY(lock_fd(there->get(), LOCK_EX | LOCK_NB));
    if (!is_free) {
      return base::corrupt("the layer " + key +
                           " of the store is damaged, and a sandbox uses it; import again when "
                           "that has ended");
    }
    flags = RENAME_EXCHANGE;
  }
  if (::renameat2(work_fd, name.c_str(), dirs.layers.get(), key.c_str(), flags) != 0) {
    return base::errno_error("store the layer " + key);
  }
  return {};
}

base::Result<bool> retire_layer(const StoreDirs& dirs, const std::string& key, int work_fd) {
  const base::UniqueFd dir =
      TRY(base::open_beneath(dirs.layers.get(), key, O_RDONLY | O_DIRECTORY, base::Links::kRefuse));
  const bool is_free = TRY(lock_fd(dir.get(), LOCK_EX | LOCK_NB));
  if (!is_free) return false;
  if (::renameat(dirs.layers.get(), key.c_str(), work_fd, key.c_str()) != 0) {
    return base::errno_error("retire the layer " + key);
  }
  return true;
}

}  // namespace stagebox::images
