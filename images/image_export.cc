// ImageStore::export_archive: from the stored layers back to an archive, byte for byte the
// same for the same image and name. Layers are written uncompressed, so that a blob's digest is its
// diff id and no compressor's version matters; compress the archive as a whole if it must be small.
#include <set>

#include "images/archive/json_document.h"
#include "images/archive/oci_documents.h"
#include "images/base/text.h"
#include "images/image_store.h"
#include "images/layer_store.h"
#include "images/layer_tar.h"
#include "images/tar/tar_writer.h"

namespace stagebox::images {
namespace {

constexpr const char* kOciManifest = "application/vnd.oci.image.manifest.v1+json";

struct ExportedLayer {
  PlainLayer plain;
  base::UniqueFd lease;
};

class Exporter {
 public:
  Exporter(const StoreDirs& dirs, const LayerOwnership& ownership, const Image& image,
           const std::string& name, int fd, const std::stop_token& stop)
      : dirs_(dirs), ownership_(ownership), image_(image), name_(name), tar_(fd), stop_(stop) {}

  base::Result<void> run(ExportFormat format) {
    config_ = TRY(read_by_digest(dirs_.configs.get(), image_.config_digest));
    TRY(lease_layers());
    if (format == ExportFormat::kDockerArchive) {
      TRY(write_docker_archive());
    } else {
      TRY(write_oci_archive());
    }
    return tar_.finish();
  }

 private:
  base::Result<void> lease_layers() {
    const auto chain = chain_ids(image_.diff_ids);
    for (const base::Digest& chain_id : chain) {
      const std::string key = layer_key(chain_id, ownership_);
      const LayerInfo info = TRY(read_layer_info(dirs_.layers.get(), key));
      base::UniqueFd lease = TRY(lease_layer(dirs_.layers.get(), key));
      layers_.push_back({{info.diff_id, info.tar_bytes}, std::move(lease)});
    }
    return {};
  }

  // oci-layout comes first: it tells readers what this is.
  base::Result<void> write_oci_archive() {
    std::vector<PlainLayer> plain;
    for (const ExportedLayer& layer : layers_) plain.push_back(layer.plain);
    const std::string manifest = make_manifest(image_.config_digest, config_.size(), plain);
    const base::Digest digest = base::Sha256::of(manifest);
    TRY(tar_.member("oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
    TRY(tar_.member("index.json", index(digest, manifest.size())));
    TRY(tar_.directory("blobs/"));
    TRY(tar_.directory("blobs/sha256/"));
    TRY(tar_.member(blob(digest), manifest));
    TRY(tar_.member(blob(image_.config_digest), config_));
    return write_layers([](const base::Digest& diff_id) { return blob(diff_id); });
  }

  base::Result<void> write_docker_archive() {
    const auto name_of_layer = [](const base::Digest& diff_id) { return diff_id.hex() + ".tar"; };
    Json names = Json::array();
    for (const ExportedLayer& layer : layers_) names.push_back(name_of_layer(layer.plain.diff_id));
    const std::string config_name = image_.config_digest.hex() + ".json";
    Json tags = Json::array();
    if (!name_.empty()) tags.push_back(has_tag() ? name_ : name_ + ":latest");
    const Json manifest =
        Json::array({{{"Config", config_name}, {"Layers", names}, {"RepoTags", tags}}});
    TRY(tar_.member("manifest.json", manifest.dump()));
    TRY(tar_.member(config_name, config_));
    return write_layers(name_of_layer);
  }

  [[nodiscard]] bool has_tag() const {
    const std::size_t slash = name_.rfind('/');
    return name_.find(':', slash == std::string::npos ? 0 : slash) != std::string::npos;
  }

  template <typename NameOf>
  base::Result<void> write_layers(const NameOf& name_of) {
    std::set<base::Digest> written;
    for (const ExportedLayer& layer : layers_) {
      if (!written.insert(layer.plain.diff_id).second) continue;
      TRY(write_layer(layer, name_of(layer.plain.diff_id)));
    }
    return {};
  }

  base::Result<void> write_layer(const ExportedLayer& layer, const std::string& name) {
    const auto content = TRY(LayerTar::open(layer.lease.get()));
    base::Sha256 hash;
    TRY(tar_.begin_member(name, layer.plain.tar_bytes));
    for (;;) {
      if (stop_.stop_requested()) return base::cancelled("the export was interrupted");
      const auto piece = TRY(content->next());
      if (piece.empty()) break;
      hash.update(piece);
      TRY(tar_.append(piece));
    }
    if (hash.finish() == layer.plain.diff_id) return tar_.end_member();
    const auto& damages = content->damages();
    const std::string which =
        damages.empty() ? "" : ": " + quote(damages.front().path) + ": " + damages.front().what;
    return base::corrupt("the layer " + layer.plain.diff_id.oci() + " in the store is damaged" +
                         which + "; remove the image and import it again");
  }

  static std::string blob(const base::Digest& digest) { return "blobs/sha256/" + digest.hex(); }

  [[nodiscard]] std::string index(const base::Digest& manifest, std::uint64_t size) const {
    Json descriptor = {{"mediaType", kOciManifest}, {"digest", manifest.oci()}, {"size", size}};
    if (!name_.empty()) descriptor["annotations"] = {{"org.opencontainers.image.ref.name", name_}};
    return Json{{"schemaVersion", 2}, {"manifests", Json::array({descriptor})}}.dump();
  }

  const StoreDirs& dirs_;
  const LayerOwnership& ownership_;
  const Image& image_;
  const std::string& name_;
  TarWriter tar_;
  const std::stop_token& stop_;
  std::string config_;
  std::vector<ExportedLayer> layers_;
};

}  // namespace

base::Result<void> ImageStore::export_archive(const Image& image, const std::string& name,
                                              ExportFormat format, int fd,
                                              const std::stop_token& stop) const {
  auto done = Exporter(dirs_, ownership_, image, name, fd, stop).run(format);
  if (!done.ok()) {
    return done.error().with_context("export the image " + image.manifest_digest.oci());
  }
  return done;
}

}  // namespace stagebox::images
