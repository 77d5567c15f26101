// In which form a layer is stored. Both are what the same archive says, and an overlay takes both:
//   directory   fs/: a directory with the layer's files, record.zst, snapshot.zst
//   EROFS       archive.tar: the layer's archive; index.erofs: a file system whose files are parts
//   of
//               that; record.zst: checksums of them
// A directory of a large layer takes tens of thousands of calls to make and seconds to write and
// remove, but everybody can make one, and all processes share what they have read of it. Only root
// may mount EROFS, and each process that uses an image mounts each such layer and reads it anew.
#pragma once

#include <cstdint>

namespace stagebox::images {

/// What an import makes.
enum class LayerForms {
  kDirectories,
  kErofs,   ///< Where it can be mounted, for the layers that can be stored so.
  kBySize,  ///< As kErofs, but of small layers directories.
};

/// Bytes of a layer as its archive has it, compressed or not: one that has no more is small. Its
/// files are some tens to a thousand, which takes one import milliseconds; a mount and reading anew
/// take every command some, for each layer.
constexpr std::uint64_t kSmallLayerBytes = 4ULL << 20;

constexpr const char* kLayerFiles = "fs";
constexpr const char* kLayerArchive = "archive.tar";
constexpr const char* kLayerIndex = "index.erofs";

}  // namespace stagebox::images
