// LayerIndex: the names of one layer in overlayfs form (as mounted with "userxattr"), with all that
// a file system says of them, and where in the layer's tar archive the content of each file lies.
// It is what an EROFS layer is made of (ErofsWriter): the content stays in the archive.
//
// It is made by IndexApplier, in a process that has read hostile bytes, and travels as a file of
// bytes. So decode_index() believes nothing: what it gives can be written down as a file system
// without further questions. What only the layers below can decide is decided later, by
// settle_index().
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "images/base/limits.h"
#include "images/layer/file_attributes.h"
#include "images/layer/ownership.h"
#include "runtime/base/result.h"

namespace stagebox::images {

/// Archives consist of these, and every file of one begins with one: the block of our EROFS too.
inline constexpr std::uint64_t kArchiveBlock = 512;
/// Names in one index: it is held in memory, some 300 bytes a name. Layers with more are stored as
/// directories.
inline constexpr std::size_t kMostIndexNodes = 500'000;
/// Parts of files in one index, 8 bytes each on disk: what sparse files may take.
inline constexpr std::uint64_t kMostIndexChunks = 2'000'000;
/// Bytes of an encoded index.
inline constexpr std::uint64_t kMostIndexBytes = 256ULL << 20U;

/// A piece of a file's content; what no extent covers is a hole.
struct FileExtent {
  std::uint64_t offset = 0;          ///< In the file.
  std::uint64_t archive_offset = 0;  ///< In the layer's tar archive.
  std::uint64_t length = 0;
  bool operator==(const FileExtent&) const = default;
};

struct IndexNode {
  enum class Type : std::uint8_t { kDirectory, kFile, kSymlink, kFifo, kWhiteout };
  Type type = Type::kDirectory;
  std::uint32_t parent = 0;  ///< Comes before; the root, which is first, is its own.
  std::string name;
  /// Another name of an earlier node that has none of these; then nothing below means anything.
  std::optional<std::uint32_t> same_as;
  FileAttributes attributes;
  bool is_implied = false;    ///< A directory: its attributes are what the layers below have.
  bool for_whiteout = false;  ///< Implied by nothing but whiteouts: goes when these hide nothing.
  bool is_opaque = false;     ///< A directory. The root: everything below it is hidden.
  bool is_dropped = false;    ///< By settle_index(): there is no such name.
  std::string target;         ///< Of a symbolic link.
  std::uint64_t size = 0;     ///< Of a file.
  std::uint64_t crc = 0;      ///< CRC-64 of its extents, one after the other.
  std::vector<FileExtent> extents;  ///< In order, apart from each other.
};

struct LayerIndex {
  std::vector<IndexNode> nodes;
};

/// By what power of two of blocks a file can be cut so that no part is partly a hole and none lies
/// in two places; nullopt when it cannot, or not in few parts.
std::optional<unsigned> chunk_bits_of(std::uint64_t size, const std::vector<FileExtent>& extents);
/// How many parts that makes.
std::uint64_t chunk_count(std::uint64_t size, unsigned bits);

/// Whether an extended attribute can be in an index: of an allowed kind, within what the kernel can
/// read, a capability well-formed.
bool is_index_xattr(const Xattr& xattr, const LayerOwnership& ownership);
/// Bytes of all attributes of one node, at most.
inline constexpr std::uint64_t kMostIndexXattrBytes = 192ULL << 10U;
/// What they take of it.
std::uint64_t index_xattr_bytes(const std::vector<Xattr>& xattrs);

/// The path of a node beneath the layer's root.
std::string index_path(const LayerIndex& index, std::uint32_t node);

std::string encode_index(const LayerIndex& index);
/// kInvalid for anything that IndexApplier would not say. `archive_bytes`: of the tar archive.
base::Result<LayerIndex> decode_index(std::span<const std::byte> bytes, std::uint64_t archive_bytes,
                                      const LayerOwnership& ownership, const Limits& limits);

}  // namespace stagebox::images
