#include "images/image_importer.h"

#include <fcntl.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "images/base/text.h"
#include "images/image_catalog.h"
#include "images/layer/parent_view.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

using std::string_view_literals::operator""sv;

base::Error explained(base::Error error) {
  if (error.errno_value == ENOSPC || error.errno_value == EDQUOT) {
    error.message +=
        "; the disk (or quota) of the image store is full: free some space, for "
        "example with \"stagebox gc\", and import again";
  }
  return error;
}

}  // namespace

ImageImporter::ImageImporter(const StoreDirs& dirs, const LayerOwnership& ownership,
                             const LayerUnpacker& unpacker, LayerForms forms,
                             const std::string& path, const ImportOptions& options)
    : dirs_(dirs),
      ownership_(ownership),
      unpacker_(unpacker),
      forms_(forms),
      path_(path),
      options_(options),
      watch_{options.stop, options.progress},
      memo_(dirs.memo.get(), question()) {}

// Everything that decides which image of the file is meant.
std::string ImageImporter::question() const {
  const std::string pinned = options_.pinned ? options_.pinned->hex() : "";
  std::string text = path_;
  if (options_.kind == ImportKind::kRootfs) text += '\0';  // two in a row: no other question
  if (options_.unmapped == LayerOwnership::Unmapped::kSquash) text += "\0\0squash"sv;
  for (const std::string& part :
       {options_.platform.display(), pinned, options_.reference.value_or("")}) {
    text += '\0' + part;
  }
  return text;
}

base::Result<Image> ImageImporter::run() {
  auto image = import_file();
  return image.ok() ? std::move(image) : explain(image.error());
}

base::Error ImageImporter::explain(const base::Error& error) const {
  return explained(error).with_context("import the image " + quote(path_));
}

// A file that can be read only once is left for the import.
base::Result<std::optional<Image>> ImageImporter::recall_only() {
  struct stat status{};
  const bool is_lasting =
      ::stat(path_.c_str(), &status) == 0 && (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
  if (!is_lasting || options_.name) return std::optional<Image>();
  if (auto opened = open_file(); !opened.ok()) return explain(opened.error());
  auto known = recall();
  return known.ok() ? std::move(known) : explain(known.error());
}

base::Result<void> ImageImporter::open_file() {
  file_ = TRY(open_image_file(path_, dirs_.tmp.get(), options_.limits, watch_));
  (void)::clock_gettime(CLOCK_REALTIME, &start_);
  stamp_ = TRY(stamp());
  return {};
}

base::Result<Image> ImageImporter::import_file() {
  if (options_.name) TRY(check_name(*options_.name));
  TRY(open_file());
  auto known = TRY(recall_usable());
  if (known && options_.name) known = TRY(name_known());
  if (known) return std::move(*known);
  return import_new();
}

// It may have been removed since it was recalled: only under the lock that is sure.
base::Result<std::optional<Image>> ImageImporter::name_known() const {
  const base::UniqueFd lock = TRY(dirs_.lock());
  auto known = TRY(recall_usable());
  if (known) TRY(write_ref(dirs_, *options_.name, known->manifest_digest));
  return known;
}

// An OCI layout directory is decided by its index alone: what is behind it is named by digest.
base::Result<FileStamp> ImageImporter::stamp() const {
  const struct stat status = TRY(base::stat_fd(file_.get()));
  if (!S_ISDIR(status.st_mode)) return FileStamp::of(status);
  const auto index = base::stat_at(file_.get(), "index.json");
  return FileStamp::of(index.ok() && S_ISREG(index->st_mode) ? *index : status);
}

base::Result<std::optional<Image>> ImageImporter::recall() const {
  if (!options_.replaced.empty()) return std::optional<Image>();
  const auto manifest = memo_.recall(stamp_);
  if (!manifest) return std::optional<Image>();
  auto image = load_image(dirs_, *manifest, ownership_);
  if (!image.ok()) return std::optional<Image>();
  TRY(check_pinned(image->manifest_digest, image->config_digest));
  return std::optional(std::move(*image));
}

base::Result<std::optional<Image>> ImageImporter::recall_usable() const {
  auto image = TRY(recall());
  if (!image) return image;
  for (const base::Digest& chain_id : chain_ids(image->diff_ids)) {
    const bool is_there = TRY(is_usable(layer_key(chain_id, ownership_)));
    if (!is_there) return std::optional<Image>();
  }
  return image;
}

// An EROFS image may have been stored under a kernel that could mount it.
base::Result<bool> ImageImporter::is_usable(const std::string& key) const {
  const auto info = read_layer_info(dirs_.layers.get(), key);
  if (!info.ok() || !info->erofs) return info.ok();
  const auto dir =
      base::open_beneath(dirs_.layers.get(), key, O_PATH | O_DIRECTORY, base::Links::kRefuse);
  return dir.ok() && open_layer_root(dir->get()).ok();
}

base::Result<Image> ImageImporter::import_new() {
  TRY(remove_dead_work(dirs_));
  const ResolvedImage resolved = TRY(resolve());
  const Workspace work = TRY(Workspace::create(dirs_));
  LayerLocks locks = TRY(LayerLocks::open(dirs_));
  const auto layers = TRY(
      LayerStaging(dirs_, ownership_, unpacker_, forms_, work, locks, options_).stage(resolved));
  if (options_.kind == ImportKind::kRootfs && layers.front().info.stats.entries == 0) {
    return base::invalid("it is an empty tar archive");
  }
  const FileStamp now = TRY(stamp());
  if (now != stamp_) return base::invalid("the file was changed while it was imported");
  if (options_.progress != nullptr) options_.progress->phase = ImportProgress::Phase::kWriting;
  return publish(resolved, layers, work);
}

base::Result<ResolvedImage> ImageImporter::resolve() const {
  if (options_.kind == ImportKind::kRootfs) return resolve_as_rootfs();
  base::UniqueFd file = TRY(base::duplicate(file_.get()));
  const auto inflate = [this](const FileRange& compressed) -> base::Result<base::UniqueFd> {
    base::UniqueFd inflated = TRY(unnamed_file(dirs_.tmp.get()));
    TRY(read_through(compressed, inflated.get()));
    return inflated;
  };
  const auto source = TRY(open_archive_source(std::move(file), inflate, options_.limits));
  const Selection selection{options_.platform, options_.pinned, options_.reference};
  ResolvedImage resolved = TRY(resolve_image(*source, selection, options_.limits));
  if (resolved.manifest) {
    TRY(check_pinned(base::Sha256::of(*resolved.manifest), resolved.config_digest()));
  }
  return resolved;
}

base::Result<ResolvedImage> ImageImporter::resolve_as_rootfs() const {
  base::UniqueFd file = TRY(base::duplicate(file_.get()));
  const FileRange archive = TRY(whole_file(std::move(file)));
  const LayerDigests found = TRY(read_through(archive, -1));
  return resolve_rootfs(archive, found, options_.platform, options_.limits);
}

// Whatever has to be inflated is inflated by who has nothing to lose.
base::Result<LayerDigests> ImageImporter::read_through(const FileRange& file, int copy_fd) const {
  LayerJob job;
  job.source.label = options_.kind == ImportKind::kRootfs ? "the root file system" : "the archive";
  job.source.range = file;
  job.copy_fd = copy_fd;
  job.limits = options_.limits;
  if (options_.progress != nullptr) {
    options_.progress->begin(ImportProgress::Phase::kReading, file.size);
    job.on_progress = [this](const LayerProgress& now) {
      options_.progress->bytes_read = now.bytes_read;
    };
  }
  NothingBelow nothing;
  const UnpackedLayer read = TRY(unpacker_.unpack(job, nothing, options_.stop));
  return read.digests;
}

base::Result<void> ImageImporter::check_pinned(const base::Digest& manifest,
                                               const base::Digest& config) const {
  if (!options_.pinned || *options_.pinned == manifest || *options_.pinned == config) return {};
  return base::invalid("it is pinned to " + options_.pinned->oci() + ", but the archive holds " +
                       manifest.oci() + " (config " + config.oci() + ")");
}

base::Result<Image> ImageImporter::publish(const ResolvedImage& resolved,
                                           const std::vector<StagedLayer>& layers,
                                           const Workspace& work) {
  std::vector<PlainLayer> plain;
  plain.reserve(layers.size());
  for (const StagedLayer& layer : layers)
    plain.push_back({layer.info.diff_id, layer.info.tar_bytes});
  const base::Digest config = resolved.config_digest();
  const std::string manifest_text = resolved.manifest
                                        ? *resolved.manifest
                                        : make_manifest(config, resolved.config_text.size(), plain);
  const base::Digest manifest = base::Sha256::of(manifest_text);
  TRY(check_pinned(manifest, config));
  TRY(sync_layers(layers));
  const base::UniqueFd lock = TRY(dirs_.lock());
  TRY(publish_layers(layers, work));
  TRY(write_document(dirs_.configs.get(), config, resolved.config_text));
  TRY(write_document(dirs_.manifests.get(), manifest, manifest_text));
  if (options_.name) TRY(write_ref(dirs_, *options_.name, manifest));
  // The image is there. What cannot be remembered is read again another time.
  if (stamp_.is_settled(start_)) (void)memo_.remember(stamp_, manifest);
  return load_image(dirs_, manifest, ownership_);
}

// One sync for all files of all layers; a layer that is visible is on disk.
base::Result<void> ImageImporter::sync_layers(const std::vector<StagedLayer>& layers) const {
  if (std::ranges::all_of(layers, &StagedLayer::is_stored)) return {};
  if (::syncfs(dirs_.root.get()) != 0) return base::errno_error("write the layers to disk");
  return {};
}

// Each is leased before it can be seen: whoever collects garbage would find no image that has it.
base::Result<void> ImageImporter::publish_layers(const std::vector<StagedLayer>& layers,
                                                 const Workspace& work) const {
  if (std::ranges::all_of(layers, &StagedLayer::is_stored)) return {};
  for (const StagedLayer& layer : layers) {
    if (layer.is_stored()) continue;
    (void)TRY(lock_fd(layer.dir.get(), LOCK_SH));
    TRY(store_layer(dirs_, work.fd(), layer.work_name, layer.key));
  }
  if (::fsync(dirs_.layers.get()) != 0) return base::errno_error("sync the layers' directory");
  return {};
}

}  // namespace stagebox::images
