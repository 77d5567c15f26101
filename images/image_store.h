// ImageStore: from image archives to verified images whose layers can be mounted. It unpacks and
// keeps; it runs nothing, and mounts nothing but layers, and these in no place. All state is on
// disk, so any number of stores, threads and processes may use one home at the same time.
//
// Promises: an image is visible only when every byte of it was verified and is on disk; a failed or
// killed import leaves nothing that the next import or collect_garbage does not remove; of several
// imports at once each layer is made by one while the others wait for it, and what they do not
// share they make side by side; finding, using and collecting images waits for no import.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "images/archive/image.h"
#include "images/base/import_progress.h"
#include "images/base/limits.h"
#include "images/image_details.h"
#include "images/image_retention.h"
#include "images/layer/layer_form.h"
#include "images/layer/layer_unpacker.h"
#include "images/layer/ownership.h"
#include "images/store_dirs.h"
#include "runtime/base/digest.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

/// What a file is taken for.
enum class ImportKind {
  kImage,   ///< An image archive or layout directory.
  kRootfs,  ///< A tar archive of a root file system.
};

struct ImportOptions {
  ImportKind kind = ImportKind::kImage;
  /// Under which name the image can be found; moves the name if another image has it.
  std::optional<std::string> name;
  /// The digest of the manifest or of the config; an archive with another image is refused.
  std::optional<base::Digest> pinned;
  /// In an archive of several images: the one that is meant (see Selection).
  std::optional<std::string> reference;
  Platform platform = Platform::host();
  Limits limits;
  /// What becomes of files whose owner is not mapped here.
  LayerOwnership::Unmapped unmapped = LayerOwnership::Unmapped::kRefuse;
  /// Diff ids of layers that are unpacked again although they are there, and replaced: for repair.
  std::set<base::Digest> replaced;
  std::stop_token stop;                ///< Ends the import with kCancelled.
  ImportProgress* progress = nullptr;  ///< Counted up meanwhile; outlives the import.
};

/// The layers of an image for an overlay mount with the option "userxattr". As long as this, or a
/// duplicate of its leases (in whatever process), is open, collect_garbage keeps the layers: who
/// starts a sandbox hands the leases to the process that lives as long as the sandbox.
struct RootFs {
  std::vector<base::UniqueFd> layers;  ///< O_PATH directories, top first; never written to.
  std::vector<base::UniqueFd> leases;  ///< One for each layer.
};

/// An image that can be run.
struct UsableImage {
  Image image;
  RootFs rootfs;
};

struct StoredImage {
  std::vector<std::string> names;
  Image image;
};

/// What verify() found; empty `damages`: all is as it was imported.
struct VerifyReport {
  struct Damage {
    base::Digest layer;  ///< Its diff id.
    std::string path;    ///< Beneath the layer's root; empty: the layer as such.
    std::string what;    ///< "its mode is 644 and was 755"
  };
  std::uint64_t layers = 0;
  std::uint64_t files = 0;
  std::uint64_t bytes = 0;
  std::vector<Damage> damages;
};

enum class ExportFormat { kOciArchive, kDockerArchive };

struct GarbageReport {
  std::uint64_t images_forgotten = 0;  ///< By retention.
  std::uint64_t layers_removed = 0;
  std::uint64_t layers_in_use = 0;      ///< Of no image any more, but of a running sandbox.
  std::uint64_t leftovers_removed = 0;  ///< Of imports and removals that were killed.
  std::uint64_t bytes_freed = 0;        ///< On disk (blocks).
};

class ImageStore {
 public:
  /// Creates images/ below the home when it is not there. Layers are unpacked by `unpacker`, and
  /// imports make them in the form that `forms` says; what is there may have any form.
  static base::Result<ImageStore> open(
      int home_fd, const LayerOwnership& ownership,
      std::shared_ptr<const LayerUnpacker> unpacker = std::make_shared<DirectUnpacker>(),
      LayerForms forms = LayerForms::kDirectories);

  /// From an OCI archive, an OCI layout directory, a docker-archive, or what `kind` says; "-" is
  /// standard input. kInvalid for everything
  /// that is wrong with the archive, kNotFound when there is none.
  base::Result<Image> import_archive(const std::string& path, const ImportOptions& options) const;

  /// The image of an archive that was imported before and has not changed since, ready to be used;
  /// nullopt when only an import can tell. It needs no unpacker, and names nothing.
  [[nodiscard]] base::Result<std::optional<UsableImage>> recall_archive(
      const std::string& path, const ImportOptions& options) const;

  /// Recalls or imports it, with its layers. An image that is collected in between is imported
  /// again. Not for standard input.
  [[nodiscard]] base::Result<UsableImage> use_archive(const std::string& path,
                                                      const ImportOptions& options) const;

  /// By name, digest of the manifest or config ("sha256:<hex>" or "<hex>"), or at least 4 first
  /// characters of one. kNotFound; kInvalid when a prefix fits several.
  [[nodiscard]] base::Result<Image> find(const std::string& text) const;
  /// Sorted by manifest digest.
  [[nodiscard]] base::Result<std::vector<StoredImage>> list() const;
  /// Of all images that list() gave, in its order.
  [[nodiscard]] std::vector<ImageDetails> details(const std::vector<StoredImage>& images) const;
  /// A name: takes it away, and with the last name the image. A digest: the image and its names.
  /// The layers stay until collect_garbage. Returns the names that the image still has.
  base::Result<std::vector<std::string>> remove(const std::string& text) const;
  /// Notes that the image is used now. kNotFound when a layer is not there (removed meanwhile, or
  /// imported with another ownership).
  [[nodiscard]] base::Result<RootFs> rootfs(const Image& image) const;
  /// What the image is made of, and the file that says what a name means: paths below the home. As
  /// long as they are the same files the image is, too.
  [[nodiscard]] std::vector<std::string> files_of(const Image& image) const;
  static std::string file_of_name(const std::string& name);
  /// Compares the layers of the images with what was imported: every name, attribute and byte.
  /// kCancelled when `stop` was requested.
  [[nodiscard]] base::Result<VerifyReport> verify(const std::vector<Image>& images,
                                                  const std::stop_token& stop) const;
  /// Writes an archive of the image, which calls it `name`, to `fd`. kCorrupt when the store's copy
  /// is damaged; then what was written is of no use.
  [[nodiscard]] base::Result<void> export_archive(const Image& image, const std::string& name,
                                                  ExportFormat format, int fd,
                                                  const std::stop_token& stop) const;
  /// Why imports make directories and no EROFS images (layer_form.h); empty: they make these.
  [[nodiscard]] std::string why_directories() const;
  /// Removes the images that retention lets go, the layers that no image has and nobody uses, and
  /// what dead imports left.
  base::Result<GarbageReport> collect_garbage(const Retention& retention = {}) const;
  /// Only what dead imports left; nearly free when there is nothing.
  base::Result<void> recover() const;

 private:
  ImageStore(StoreDirs dirs, const LayerOwnership& ownership,
             std::shared_ptr<const LayerUnpacker> unpacker, LayerForms forms)
      : dirs_(std::move(dirs)),
        ownership_(ownership),
        unpacker_(std::move(unpacker)),
        forms_(forms) {}

  StoreDirs dirs_;
  LayerOwnership ownership_;
  std::shared_ptr<const LayerUnpacker> unpacker_;
  LayerForms forms_;
};

}  // namespace stagebox::images
