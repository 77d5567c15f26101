#include "images/layer/layer_index.h"

#include <algorithm>
#include <bit>

#include "images/layer/parent_view.h"

namespace stagebox::images {
namespace {

constexpr std::uint64_t kMostFileChunks = 65'536;
// As the kernel has it (include/linux/xattr.h).
constexpr std::size_t kXattrNameBytes = 255;
// One less than XATTR_SIZE_MAX: EROFS has 16 bits for the length.
constexpr std::size_t kXattrValueBytes = 65'535;
constexpr unsigned kMostChunkBits = 31;  // EROFS_CHUNK_FORMAT_BLKBITS_MASK

bool is_aligned(std::uint64_t value, std::uint64_t to) { return value % to == 0; }

unsigned bits_for(std::uint64_t size) {
  unsigned bits = 0;
  while (bits < kMostChunkBits && (kArchiveBlock << bits) < size) ++bits;
  return bits;
}

std::uint32_t little_endian_32(const std::string& value, std::size_t at) {
  std::uint32_t number = 0;
  for (std::size_t i = 4; i-- > 0;) {
    number = number << 8U | static_cast<unsigned char>(value[at + i]);
  }
  return number;
}

// As linux/capability.h has it; the kernel refuses to set any other.
bool is_capability(const std::string& value, const LayerOwnership& ownership) {
  constexpr std::uint32_t kRevision2 = 0x02000000;
  constexpr std::uint32_t kRevision3 = 0x03000000;
  constexpr std::uint32_t kRevisions = 0xff000000;
  if (value.size() != 20 && value.size() != 24) return false;
  const std::uint32_t revision = little_endian_32(value, 0) & kRevisions;
  if (value.size() == 20) return revision == kRevision2;
  return revision == kRevision3 && ownership.is_mapped(little_endian_32(value, 20));
}

}  // namespace

std::uint64_t chunk_count(std::uint64_t size, unsigned bits) {
  const std::uint64_t bytes = kArchiveBlock << bits;
  return size / bytes + (size % bytes == 0 ? 0 : 1);
}

std::optional<unsigned> chunk_bits_of(std::uint64_t size, const std::vector<FileExtent>& extents) {
  unsigned bits = bits_for(size);
  const auto cut_at = [&bits](std::uint64_t place) {
    if (place != 0)
      bits = std::min(bits, static_cast<unsigned>(std::countr_zero(place / kArchiveBlock)));
  };
  for (const FileExtent& extent : extents) {
    const std::uint64_t end = extent.offset + extent.length;
    if (!is_aligned(extent.offset, kArchiveBlock) ||
        !is_aligned(extent.archive_offset, kArchiveBlock) ||
        (end != size && !is_aligned(end, kArchiveBlock))) {
      return std::nullopt;
    }
    cut_at(extent.offset);
    if (end != size) cut_at(end);
  }
  return chunk_count(size, bits) <= kMostFileChunks ? std::optional(bits) : std::nullopt;
}

bool is_index_xattr(const Xattr& xattr, const LayerOwnership& ownership) {
  if (!is_allowed_xattr(xattr.name) || xattr.name.size() > kXattrNameBytes ||
      xattr.name.find('\0') != std::string::npos || xattr.value.size() > kXattrValueBytes) {
    return false;
  }
  return xattr.name != "security.capability" || is_capability(xattr.value, ownership);
}

std::string index_path(const LayerIndex& index, std::uint32_t node) {
  std::string path;
  for (; node != 0; node = index.nodes[node].parent) {
    path = join_path(index.nodes[node].name, path);
  }
  return path;
}

std::uint64_t index_xattr_bytes(const std::vector<Xattr>& xattrs) {
  std::uint64_t bytes = 0;
  for (const Xattr& xattr : xattrs) bytes += 8 + xattr.name.size() + xattr.value.size();
  return bytes;
}

}  // namespace stagebox::images
