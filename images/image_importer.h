// ImageImporter: one call of ImageStore::import_archive. The order is what makes it safe: remember,
// clean up after the dead, resolve and verify the documents, unpack the missing layers into a
// workspace and verify them (LayerStaging), sync; then, with the store's lock held, rename the
// layers, write config and manifest, and the name last.
#pragma once

#include <string>
#include <vector>

#include "images/archive/image_resolver.h"
#include "images/image_store.h"
#include "images/import_memo.h"
#include "images/layer/layer_unpacker.h"
#include "images/layer_staging.h"

namespace stagebox::images {

class ImageImporter {
 public:
  /// All references must outlive the importer.
  ImageImporter(const StoreDirs& dirs, const LayerOwnership& ownership,
                const LayerUnpacker& unpacker, LayerForms forms, const std::string& path,
                const ImportOptions& options);

  base::Result<Image> run();
  /// The image, when nothing has to be imported for it; whether its layers are there is not looked
  /// at.
  base::Result<std::optional<Image>> recall_only();

 private:
  base::Result<void> open_file();
  base::Result<Image> import_file();
  [[nodiscard]] base::Error explain(const base::Error& error) const;
  base::Result<std::optional<Image>> recall() const;
  base::Result<std::optional<Image>> recall_usable() const;
  base::Result<std::optional<Image>> name_known() const;
  [[nodiscard]] std::string question() const;
  base::Result<FileStamp> stamp() const;

  base::Result<bool> is_usable(const std::string& key) const;
  base::Result<Image> import_new();
  base::Result<ResolvedImage> resolve() const;
  [[nodiscard]] base::Result<ResolvedImage> resolve_as_rootfs() const;
  base::Result<LayerDigests> read_through(const FileRange& file, int copy_fd) const;
  base::Result<Image> publish(const ResolvedImage& resolved, const std::vector<StagedLayer>& layers,
                              const Workspace& work);
  base::Result<void> sync_layers(const std::vector<StagedLayer>& layers) const;
  base::Result<void> publish_layers(const std::vector<StagedLayer>& layers,
                                    const Workspace& work) const;
  base::Result<void> check_pinned(const base::Digest& manifest, const base::Digest& config) const;

  const StoreDirs& dirs_;
  const LayerOwnership& ownership_;
  const LayerUnpacker& unpacker_;
  LayerForms forms_;
  const std::string& path_;
  const ImportOptions& options_;
  ReadWatch watch_;
  ImportMemo memo_;
  base::UniqueFd file_;
  FileStamp stamp_;          ///< Of the file, before anything of it was read.
  struct timespec start_{};  ///< When that was.
};

}  // namespace stagebox::images
