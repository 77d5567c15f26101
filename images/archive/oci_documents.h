// The JSON documents of an image archive as plain values: OCI index, manifest and config, and
// docker-archive's manifest.json. Pure parsers: they check the grammar of what they return (digests
// above all), not whether the blobs are there or right. Specifications: OCI image-spec 1.1
// (image-index.md, manifest.md, config.md, descriptor.md).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "images/archive/image.h"
#include "images/base/limits.h"
#include "runtime/base/digest.h"
#include "runtime/base/result.h"

namespace stagebox::images {

struct Descriptor {
  std::string media_type;
  base::Digest digest;
  std::uint64_t size = 0;
  std::optional<Platform> platform;
  std::vector<std::string> names;  ///< What the annotations call the image.
  bool attestation = false;        ///< A statement about an image, never an image.
  bool has_urls = false;           ///< The blob may lie elsewhere ("foreign layer").
  std::string artifact_type;       ///< Of something that is no image, else empty.
};

struct ManifestDocument {
  Descriptor config;
  std::vector<Descriptor> layers;  ///< Bottom first.
  std::string artifact_type;

  /// What it is a manifest of, when that is no image (a signature, a chart, a bill of materials);
  /// empty for images.
  [[nodiscard]] std::string foreign_type() const;
};

struct ConfigDocument {
  ImageConfig config;
  std::vector<base::Digest> diff_ids;  ///< Bottom first.
  [[nodiscard]] Platform platform() const {
    return {config.os, config.architecture, config.variant};
  }
};

struct DockerImage {
  std::string config;  ///< Name of a member of the archive.
  std::vector<std::string> names;
  std::vector<std::string> layers;  ///< Names of members, bottom first.
};

bool is_index_type(std::string_view media_type);
bool is_manifest_type(std::string_view media_type);
/// Empty counts: some old tools left it out.
bool is_config_type(std::string_view media_type);

/// "manifests": null counts as an empty list. `media_type` is what the descriptor said, or empty.
base::Result<std::vector<Descriptor>> parse_index(std::string_view text,
                                                  const std::string& media_type,
                                                  const Limits& limits);
base::Result<ManifestDocument> parse_manifest(std::string_view text, const std::string& media_type,
                                              const Limits& limits);
base::Result<ConfigDocument> parse_config(std::string_view text, const Limits& limits);
base::Result<std::vector<DockerImage>> parse_docker_manifest(std::string_view text,
                                                             const Limits& limits);

struct PlainLayer {
  base::Digest diff_id;
  std::uint64_t tar_bytes = 0;
};
/// The OCI manifest of an image whose archive has none: uncompressed layers, keys sorted, no
/// whitespace. Its digest identifies the image, so this text never changes.
std::string make_manifest(const base::Digest& config_digest, std::uint64_t config_size,
                          const std::vector<PlainLayer>& layers);

}  // namespace stagebox::images
