// ImageResolver: which image of an archive is meant, and what its parts are. It reads and verifies
// the JSON documents of an OCI archive, OCI layout directory or docker-archive; the layers are
// found and measured here, and read by LayerReader.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "images/archive/archive_source.h"
#include "images/archive/image_choice.h"
#include "images/archive/oci_documents.h"
#include "images/layer/layer_reader.h"
#include "runtime/base/digest.h"
#include "runtime/base/result.h"

namespace stagebox::images {

struct ResolvedImage {
  /// The OCI manifest's text; a docker-archive has none before its layers are measured.
  std::optional<std::string> manifest;
  std::string config_text;
  ConfigDocument config;
  std::vector<LayerSource> layers;  ///< Bottom first, as many as diff ids.

  [[nodiscard]] base::Digest config_digest() const { return base::Sha256::of(config_text); }
};

/// kInvalid for everything that is wrong with the archive; messages name the blob and say whether
/// it is missing, truncated, tampered with or for another platform. The pinned digest selects among
/// several images, but whether the result has it is the caller's to check.
base::Result<ResolvedImage> resolve_image(ArchiveSource& source, const Selection& selection,
                                          const Limits& limits);

/// The two kinds of archive; for resolve_image.
base::Result<ResolvedImage> resolve_oci_image(ArchiveSource& source, const Selection& selection,
                                              const Limits& limits);
base::Result<ResolvedImage> resolve_docker_image(ArchiveSource& source, const Selection& selection,
                                                 const Limits& limits);

/// A tar archive of a root file system, perhaps compressed, as an image of one layer whose config
/// says nothing but the platform. `found` are the archive's digests: the layer's diff id has to be
/// known before its image can be named.
base::Result<ResolvedImage> resolve_rootfs(const FileRange& archive, const LayerDigests& found,
                                           const Platform& platform, const Limits& limits);

/// A document of the archive; kInvalid when it is missing or larger than allowed.
base::Result<std::string> read_document(ArchiveSource& source, const std::string& name,
                                        const Limits& limits);
/// kInvalid unless the image can run where it is wanted: "image is for linux/arm64, ...".
base::Result<void> check_platform(const Platform& offered, const Platform& wanted);
/// Completes what both kinds share: number of layers, diff ids and labels for messages.
base::Result<void> check_layers(const ResolvedImage& image, const Limits& limits);

}  // namespace stagebox::images
