#include "images/layer/erofs_writer.h"

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "images/layer/parent_view.h"

namespace stagebox::images {
namespace {

constexpr std::uint64_t kBlock = kArchiveBlock;
constexpr unsigned kBlockBits = 9;
constexpr std::size_t kSuperOffset = 1024;
constexpr std::uint32_t kMagic = 0xe0f5e1e2;
constexpr std::uint32_t kCompatMtime = 0x2;
constexpr std::uint32_t kIncompatChunked = 0x4;
constexpr std::uint32_t kIncompatDevices = 0x8;
constexpr std::size_t kDeviceSlot = 128;      // its size; slots are numbered from byte 0
constexpr std::size_t kDeviceSlotNumber = 9;  // right behind the superblock
constexpr std::uint64_t kFirstInode = 3 * kBlock;
constexpr std::uint64_t kInodeSlot = 32;  // inodes are numbered by these
constexpr std::uint64_t kInodeBytes = 64;
constexpr std::uint64_t kXattrHeader = 12;
constexpr std::uint64_t kXattrEntry = 4;
constexpr std::uint64_t kChunkBytes = 8;
constexpr std::uint64_t kDirentBytes = 12;
constexpr std::uint64_t kMostInline = kBlock - kInodeSlot;  // fits a block from some slot on
constexpr std::uint16_t kChunkIndexes = 0x20;
constexpr std::uint32_t kHole = 0xffffffff;
constexpr std::uint16_t kArchiveDevice = 1;

enum class Layout : std::uint16_t { kPlain = 0, kInline = 2, kChunks = 4 };

constexpr std::uint64_t align(std::uint64_t value, std::uint64_t to) {
  return (value + to - 1) / to * to;
}

struct NameClass {
  std::string_view prefix;
  std::uint8_t index;
};
constexpr std::array kNameClasses = {NameClass{"user.", 1}, NameClass{"security.", 6}};

/// Little-endian numbers at places of a buffer.
class Bytes {
 public:
  explicit Bytes(std::size_t size) : bytes_(size) {}
  template <typename Number>
  void put(std::uint64_t at, Number value) {
    for (std::size_t i = 0; i < sizeof(Number); ++i) {
      bytes_[at + i] = static_cast<std::byte>(static_cast<std::uint64_t>(value) >> (8 * i) & 0xffU);
    }
  }
  void put_text(std::uint64_t at, std::string_view text) {
    if (!text.empty()) std::memcpy(bytes_.data() + at, text.data(), text.size());
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  std::vector<std::byte> bytes_;
};

// include/linux/fs_types.h, FT_*
std::uint8_t dirent_type(IndexNode::Type type) {
  switch (type) {
    case IndexNode::Type::kFile:
      return 1;
    case IndexNode::Type::kDirectory:
      return 2;
    case IndexNode::Type::kWhiteout:
      return 3;
    case IndexNode::Type::kFifo:
      return 5;
    case IndexNode::Type::kSymlink:
      return 7;
  }
  return 0;
}

mode_t mode_of(const IndexNode& node) {
  switch (node.type) {
    case IndexNode::Type::kFile:
      return S_IFREG | node.attributes.mode;
    case IndexNode::Type::kDirectory:
      return S_IFDIR | node.attributes.mode;
    case IndexNode::Type::kWhiteout:
      return S_IFCHR | 0600;  // 0:0, as overlayfs wants it
    case IndexNode::Type::kFifo:
      return S_IFIFO | node.attributes.mode;
    case IndexNode::Type::kSymlink:
      return S_IFLNK | 0777;
  }
  return 0;
}

class Writer {
 public:
  Writer(const LayerIndex& index, std::uint64_t archive_bytes)
      : nodes_(index.nodes), archive_bytes_(archive_bytes), inodes_(index.nodes.size()) {}

  std::vector<std::byte> run() {
    collect();
    lay_out();
    Bytes bytes(end_);
    put_super(bytes);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (has_inode(i)) put_inode(bytes, i);
    }
    return bytes.take();
  }

 private:
  struct Dirent {
    std::string_view name;
    std::uint32_t inode;  ///< By its node.
    std::uint8_t type;
  };
  struct Inode {
    Layout layout = Layout::kPlain;
    unsigned chunk_bits = 0;
    std::uint32_t links = 0;
    std::uint32_t xattr_bytes = 0;
    std::uint64_t size = 0;
    std::uint64_t place = 0;  ///< In the image.
    std::uint64_t data = 0;   ///< kPlain: where; a multiple of kBlock.
    std::vector<Dirent> dirents;
  };

  [[nodiscard]] bool has_inode(std::size_t i) const {
    return !nodes_[i].is_dropped && !nodes_[i].same_as;
  }

  void collect() {
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      const IndexNode& node = nodes_[i];
      if (node.is_dropped) continue;
      const std::uint32_t inode = node.same_as.value_or(i);
      const bool is_directory = node.type == IndexNode::Type::kDirectory;
      ++inodes_[inode].links;
      if (is_directory) {
        inodes_[i].dirents.push_back({".", i, dirent_type(node.type)});
        inodes_[i].dirents.push_back({"..", node.parent, dirent_type(node.type)});
        ++inodes_[node.parent].links;
      }
      if (i != 0)
        inodes_[node.parent].dirents.push_back({node.name, inode, dirent_type(node.type)});
    }
    for (Inode& inode : inodes_) {
      std::ranges::sort(inode.dirents, {}, &Dirent::name);
    }
  }

  // Inodes first, the root before all: its number has 16 bits only. Then what fits no inode.
  void lay_out() {
    std::uint64_t place = kFirstInode;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (!has_inode(i)) continue;
      Inode& inode = inodes_[i];
      measure(i);
      const std::uint64_t head = kInodeBytes + inode.xattr_bytes;
      place = align(place, kInodeSlot);
      if (inode.layout == Layout::kInline) {
        while ((place + head) % kBlock + inode.size > kBlock) place += kInodeSlot;
      }
      inode.place = place;
      place += head;
      if (inode.layout == Layout::kInline) place += inode.size;
      if (inode.layout == Layout::kChunks) {
        place = align(place, kChunkBytes) + chunk_count(inode.size, inode.chunk_bits) * kChunkBytes;
      }
    }
    place = align(place, kBlock);
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      Inode& inode = inodes_[i];
      if (!has_inode(i) || inode.layout != Layout::kPlain || inode.size == 0) continue;
      inode.data = place;
      place = align(place + inode.size, kBlock);
    }
    end_ = place;
  }

  void measure(std::size_t i) {
    const IndexNode& node = nodes_[i];
    Inode& inode = inodes_[i];
    inode.xattr_bytes = xattr_bytes(node);
    switch (node.type) {
      case IndexNode::Type::kFile:
        inode.size = node.size;
        if (node.size == 0) return;
        inode.layout = Layout::kChunks;
        inode.chunk_bits = chunk_bits_of(node.size, node.extents).value_or(0);
        return;
      case IndexNode::Type::kSymlink:
        inode.size = node.target.size();
        break;
      case IndexNode::Type::kDirectory:
        inode.size = directory_bytes(inode.dirents);
        break;
      case IndexNode::Type::kFifo:
      case IndexNode::Type::kWhiteout:
        return;
    }
    if (inode.size <= kMostInline) inode.layout = Layout::kInline;
  }

  /// Calls `block(offset, first, count, bytes)` for each block of a directory.
  template <typename Block>
  static void for_each_block(const std::vector<Dirent>& dirents, const Block& block) {
    std::uint64_t offset = 0;
    for (std::size_t first = 0; first < dirents.size();) {
      std::uint64_t bytes = 0;
      std::size_t count = 0;
      while (first + count < dirents.size()) {
        const std::uint64_t more = kDirentBytes + dirents[first + count].name.size();
        if (bytes + more > kBlock) break;
        bytes += more;
        ++count;
      }
      block(offset, first, count, bytes);
      first += count;
      offset += kBlock;
    }
  }

  static std::uint64_t directory_bytes(const std::vector<Dirent>& dirents) {
    std::uint64_t size = 0;
    for_each_block(dirents, [&size](std::uint64_t offset, std::size_t, std::size_t,
                                    std::uint64_t bytes) { size = offset + bytes; });
    return size;
  }

  /// All attributes of a node, by class, name without prefix, value.
  template <typename Take>
  static void for_each_xattr(const IndexNode& node, const Take& take) {
    const auto classify = [&take](std::string_view name, std::string_view value) {
      for (const NameClass& known : kNameClasses) {
        if (name.starts_with(known.prefix)) {
          take(known.index, name.substr(known.prefix.size()), value);
        }
      }
    };
    for (const Xattr& xattr : node.attributes.xattrs) classify(xattr.name, xattr.value);
    if (node.is_opaque && !node.name.empty()) classify(kOpaqueXattr, "y");
  }

  static std::uint32_t xattr_bytes(const IndexNode& node) {
    std::uint64_t bytes = 0;
    for_each_xattr(node, [&bytes](std::uint8_t, std::string_view name, std::string_view value) {
      bytes += align(kXattrEntry + name.size() + value.size(), kXattrEntry);
    });
    return static_cast<std::uint32_t>(bytes == 0 ? 0 : bytes + kXattrHeader);
  }

  [[nodiscard]] std::uint64_t number_of(std::uint32_t node) const {
    return inodes_[node].place / kInodeSlot;
  }

  void put_super(Bytes& bytes) const {
    const auto count = static_cast<std::uint64_t>(std::ranges::count_if(
        nodes_, [](const IndexNode& node) { return !node.is_dropped && !node.same_as; }));
    bytes.put(kSuperOffset, kMagic);
    bytes.put(kSuperOffset + 8, kCompatMtime);
    bytes.put(kSuperOffset + 12, static_cast<std::uint8_t>(kBlockBits));
    bytes.put(kSuperOffset + 14, static_cast<std::uint16_t>(number_of(0)));
    bytes.put(kSuperOffset + 16, count);
    bytes.put(kSuperOffset + 36, static_cast<std::uint32_t>(end_ / kBlock));
    bytes.put(kSuperOffset + 80, kIncompatChunked | kIncompatDevices);
    bytes.put(kSuperOffset + 86, std::uint16_t{1});
    bytes.put(kSuperOffset + 88, static_cast<std::uint16_t>(kDeviceSlotNumber));
    bytes.put(kDeviceSlotNumber * kDeviceSlot + 64,
              static_cast<std::uint32_t>(align(archive_bytes_, kBlock) / kBlock));
  }

  void put_inode(Bytes& bytes, std::size_t i) const {
    const IndexNode& node = nodes_[i];
    const Inode& inode = inodes_[i];
    const std::uint64_t at = inode.place;
    const auto xattr_slots =
        inode.xattr_bytes == 0 ? 0 : (inode.xattr_bytes - kXattrHeader) / kXattrEntry + 1;
    bytes.put(at, static_cast<std::uint16_t>(1U | static_cast<unsigned>(inode.layout) << 1U));
    bytes.put(at + 2, static_cast<std::uint16_t>(xattr_slots));
    bytes.put(at + 4, static_cast<std::uint16_t>(mode_of(node)));
    bytes.put(at + 8, inode.size);
    bytes.put(at + 16, content_word(inode));
    bytes.put(at + 20, static_cast<std::uint32_t>(i + 1));
    bytes.put(at + 24, node.attributes.uid);
    bytes.put(at + 28, node.attributes.gid);
    bytes.put(at + 32, static_cast<std::uint64_t>(node.attributes.mtime.tv_sec));
    bytes.put(at + 40, static_cast<std::uint32_t>(node.attributes.mtime.tv_nsec));
    bytes.put(at + 44, inode.links);
    put_xattrs(bytes, node, at + kInodeBytes);
    put_content(bytes, node, inode);
  }

  static std::uint32_t content_word(const Inode& inode) {
    if (inode.layout == Layout::kChunks) return kChunkIndexes | inode.chunk_bits;
    return static_cast<std::uint32_t>(inode.data / kBlock);
  }

  static void put_xattrs(Bytes& bytes, const IndexNode& node, std::uint64_t at) {
    at += kXattrHeader;
    for_each_xattr(node, [&](std::uint8_t index, std::string_view name, std::string_view value) {
      bytes.put(at, static_cast<std::uint8_t>(name.size()));
      bytes.put(at + 1, index);
      bytes.put(at + 2, static_cast<std::uint16_t>(value.size()));
      bytes.put_text(at + kXattrEntry, name);
      bytes.put_text(at + kXattrEntry + name.size(), value);
      at += align(kXattrEntry + name.size() + value.size(), kXattrEntry);
    });
  }

  void put_content(Bytes& bytes, const IndexNode& node, const Inode& inode) const {
    const std::uint64_t behind = inode.place + kInodeBytes + inode.xattr_bytes;
    const std::uint64_t at = inode.layout == Layout::kPlain ? inode.data : behind;
    if (inode.layout == Layout::kChunks) return put_chunks(bytes, node, inode, behind);
    if (node.type == IndexNode::Type::kSymlink) bytes.put_text(at, node.target);
    if (node.type == IndexNode::Type::kDirectory) put_directory(bytes, inode.dirents, at);
  }

  void put_directory(Bytes& bytes, const std::vector<Dirent>& dirents, std::uint64_t at) const {
    for_each_block(dirents,
                   [&](std::uint64_t offset, std::size_t first, std::size_t count, std::uint64_t) {
                     const std::uint64_t block = at + offset;
                     std::uint64_t name_at = count * kDirentBytes;
                     for (std::size_t i = 0; i < count; ++i) {
                       const Dirent& dirent = dirents[first + i];
                       const std::uint64_t entry = block + i * kDirentBytes;
                       bytes.put(entry, number_of(dirent.inode));
                       bytes.put(entry + 8, static_cast<std::uint16_t>(name_at));
                       bytes.put(entry + 10, dirent.type);
                       bytes.put_text(block + name_at, dirent.name);
                       name_at += dirent.name.size();
                     }
                   });
  }

  static void put_chunks(Bytes& bytes, const IndexNode& node, const Inode& inode,
                         std::uint64_t behind) {
    const std::uint64_t table = align(behind, kChunkBytes);
    const std::uint64_t chunk = kBlock << inode.chunk_bits;
    auto extent = node.extents.begin();
    for (std::uint64_t i = 0; i < chunk_count(inode.size, inode.chunk_bits); ++i) {
      const std::uint64_t offset = i * chunk;
      while (extent != node.extents.end() && extent->offset + extent->length <= offset) ++extent;
      const bool is_hole = extent == node.extents.end() || extent->offset > offset;
      const std::uint64_t at = table + i * kChunkBytes;
      bytes.put(at + 2, is_hole ? std::uint16_t{0} : kArchiveDevice);
      bytes.put(at + 4, is_hole ? kHole
                                : static_cast<std::uint32_t>(
                                      (extent->archive_offset + offset - extent->offset) / kBlock));
    }
  }

  const std::vector<IndexNode>& nodes_;
  std::uint64_t archive_bytes_;
  std::vector<Inode> inodes_;  ///< Of the same number as their first node.
  std::uint64_t end_ = 0;
};

}  // namespace

std::vector<std::byte> write_erofs(const LayerIndex& index, std::uint64_t archive_bytes) {
  return Writer(index, archive_bytes).run();
}

}  // namespace stagebox::images
