#include "images/stream/compression.h"

#include <array>

#include "images/base/text.h"

namespace stagebox::images {
namespace {

struct KnownType {
  std::string_view media_type;
  Compression compression;
};

constexpr std::array kLayerTypes = {
    KnownType{"application/vnd.oci.image.layer.v1.tar", Compression::kNone},
    KnownType{"application/vnd.oci.image.layer.v1.tar+gzip", Compression::kGzip},
    KnownType{"application/vnd.oci.image.layer.v1.tar+zstd", Compression::kZstd},
    KnownType{"application/vnd.oci.image.layer.nondistributable.v1.tar", Compression::kNone},
    KnownType{"application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", Compression::kGzip},
    KnownType{"application/vnd.oci.image.layer.nondistributable.v1.tar+zstd", Compression::kZstd},
    KnownType{"application/vnd.docker.image.rootfs.diff.tar", Compression::kNone},
    KnownType{"application/vnd.docker.image.rootfs.diff.tar.gzip", Compression::kGzip},
    KnownType{"application/vnd.docker.image.rootfs.diff.tar.zstd", Compression::kZstd},
    KnownType{"application/vnd.docker.image.rootfs.foreign.diff.tar", Compression::kNone},
    KnownType{"application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", Compression::kGzip},
};

bool starts_with(std::span<const std::byte> data, std::string_view magic) {
  if (data.size() < magic.size()) return false;
  for (std::size_t i = 0; i < magic.size(); ++i) {
    if (static_cast<char>(data[i]) != magic[i]) return false;
  }
  return true;
}

}  // namespace

std::string_view name_of(Compression compression) {
  switch (compression) {
    case Compression::kGzip:
      return "gzip";
    case Compression::kZstd:
      return "zstd";
    case Compression::kNone:
      break;
  }
  return "uncompressed tar";
}

base::Result<Compression> compression_of_media_type(std::string_view media_type) {
  for (const KnownType& known : kLayerTypes) {
    if (known.media_type == media_type) return known.compression;
  }
  if (media_type.ends_with("+encrypted")) {
    return base::invalid("the layer is encrypted; decrypt the image before it is saved");
  }
  return base::invalid("the media type " + quote(media_type) +
                       " is not that of a layer which can be read here (tar, gzip or zstd)");
}

std::optional<Compression> compression_of_magic(std::span<const std::byte> first) {
  using namespace std::string_view_literals;
  if (starts_with(first, "\x1f\x8b"sv)) return Compression::kGzip;
  if (starts_with(first, "\x28\xb5\x2f\xfd"sv)) return Compression::kZstd;
  // Skippable frames: 0x184D2A50 to 0x184D2A5F, little-endian (RFC 8878, 3.1.2).
  if (first.size() >= 4 && (static_cast<unsigned>(first[0]) & 0xf0U) == 0x50U &&
      starts_with(first.subspan(1), "\x2a\x4d\x18"sv)) {
    return Compression::kZstd;
  }
  for (const std::string_view foreign : {"\xfd\x37zXZ\0"sv, "BZh"sv, "\x04\x22\x4d\x18"sv}) {
    if (starts_with(first, foreign)) return std::nullopt;
  }
  return Compression::kNone;
}

}  // namespace stagebox::images
