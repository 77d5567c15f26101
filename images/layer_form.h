// In which form a layer is stored. Both are what the same archive says, and an overlay takes both:
//   directory   fs/: a directory with the layer's files, record.zst, snapshot.zst
//   EROFS       archive.tar: the layer's archive; index.erofs: a file system whose files are parts
//   of
//               that; record.zst: checksums of them
// A directory takes tens of thousands of calls to make and seconds to write and remove, but
// everybody can make one, and all processes share what they have read of it. Only root may mount
// EROFS.
#pragma once

namespace stagebox::images {

/// What an import makes.
enum class LayerForms {
  kDirectories,
  kErofs,  ///< Where it can be mounted, for the layers that can be stored so.
};

constexpr const char* kLayerFiles = "fs";
constexpr const char* kLayerArchive = "archive.tar";
constexpr const char* kLayerIndex = "index.erofs";

}  // namespace stagebox::images
