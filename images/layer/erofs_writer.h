// ErofsWriter: a LayerIndex as an EROFS file system of names only: files refer to a second device,
// which is the layer's tar archive. The kernel reads what this writes with all its rights, so it is
// called by whoever is trusted, on an index that was checked (decode_index).
//
// The format is the kernel's (fs/erofs/erofs_fs.h); of it we use 64-byte inodes, inline attributes,
// inline or plain directories and links, chunk-based files, blocks of 512 bytes (Linux 6.4), one
// extra device. The same index gives the same bytes.
#pragma once

#include <cstddef>
#include <vector>

#include "images/layer/layer_index.h"

namespace stagebox::images {

/// `index` is settled (settle_index). `archive_bytes`: of the tar archive.
std::vector<std::byte> write_erofs(const LayerIndex& index, std::uint64_t archive_bytes);

}  // namespace stagebox::images
