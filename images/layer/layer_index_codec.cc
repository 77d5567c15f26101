// encode_index and decode_index. Numbers are little-endian base 128 ("varint"), text is its length
// and its bytes; a node is its type and flags, then what the type has.
#include <algorithm>

#include "images/layer/layer_index.h"

namespace stagebox::images {
namespace {

constexpr std::size_t kNameBytes = 255;     // NAME_MAX
constexpr std::size_t kPathBytes = 4096;    // PATH_MAX, with its NUL
constexpr std::size_t kTargetBytes = 4095;  // the same, without
constexpr std::uint32_t kNanoseconds = 1'000'000'000;

constexpr std::uint64_t kImplied = 1;
constexpr std::uint64_t kForWhiteout = 2;
constexpr std::uint64_t kOpaque = 4;
constexpr std::uint64_t kSame = 8;
constexpr std::uint64_t kFlags = 15;

base::Error broken() {
  return base::invalid("what the process that unpacked it says of its files makes no sense");
}

void put(std::string& text, std::uint64_t value) {
  while (value >= 0x80U) {
    text += static_cast<char>((value & 0x7fU) | 0x80U);
    value >>= 7U;
  }
  text += static_cast<char>(value);
}

void put(std::string& text, const std::string& value) {
  put(text, value.size());
  text += value;
}

void put_attributes(std::string& text, const FileAttributes& attributes) {
  put(text, attributes.uid);
  put(text, attributes.gid);
  put(text, attributes.mode);
  put(text, static_cast<std::uint64_t>(attributes.mtime.tv_sec));
  put(text, static_cast<std::uint64_t>(attributes.mtime.tv_nsec));
  put(text, attributes.xattrs.size());
  for (const Xattr& xattr : attributes.xattrs) {
    put(text, xattr.name);
    put(text, xattr.value);
  }
}

void put_node(std::string& text, const IndexNode& node) {
  const std::uint64_t flags = (node.is_implied ? kImplied : 0) |
                              (node.for_whiteout ? kForWhiteout : 0) |
                              (node.is_opaque ? kOpaque : 0) | (node.same_as ? kSame : 0);
  put(text, static_cast<std::uint64_t>(node.type));
  put(text, flags);
  put(text, node.parent);
  put(text, node.name);
  if (node.same_as) return put(text, *node.same_as);
  put_attributes(text, node.attributes);
  if (node.type == IndexNode::Type::kSymlink) put(text, node.target);
  if (node.type != IndexNode::Type::kFile) return;
  put(text, node.size);
  put(text, node.crc);
  put(text, node.extents.size());
  for (const FileExtent& extent : node.extents) {
    put(text, extent.offset);
    put(text, extent.archive_offset);
    put(text, extent.length);
  }
}

class Decoder {
 public:
  Decoder(std::span<const std::byte> bytes, std::uint64_t archive_bytes,
          const LayerOwnership& ownership, const Limits& limits)
      : bytes_(bytes), archive_bytes_(archive_bytes), ownership_(ownership), limits_(limits) {}

  base::Result<LayerIndex> run() {
    const std::uint64_t count = TRY(number(kMostIndexNodes));
    if (count == 0) return broken();
    for (std::uint64_t i = 0; i < count; ++i) TRY(node());
    if (!bytes_.empty()) return broken();
    return std::move(index_);
  }

 private:
  /// What is known of a directory while what is in it is read.
  struct Directory {
    bool is_one = false;
    std::uint32_t depth = 0;
    std::size_t path_bytes = 0;
    std::uint32_t last_child = 0;  ///< 0: none yet.
  };

  base::Result<std::uint64_t> number(std::uint64_t most) {
    std::uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && !bytes_.empty(); shift += 7) {
      const auto part = static_cast<std::uint64_t>(bytes_.front());
      bytes_ = bytes_.subspan(1);
      if (shift == 63 && part > 1) break;
      value |= (part & 0x7fU) << shift;
      if ((part & 0x80U) != 0) continue;
      // Each number in one way only.
      if (value > most || (part == 0 && shift > 0)) break;
      return value;
    }
    return broken();
  }

  base::Result<std::string> text(std::size_t most) {
    const std::uint64_t size = TRY(number(most));
    if (size > bytes_.size()) return broken();
    std::string value(reinterpret_cast<const char*>(bytes_.data()), size);
    bytes_ = bytes_.subspan(size);
    return value;
  }

  base::Result<void> node() {
    IndexNode node;
    node.type = static_cast<IndexNode::Type>(
        TRY(number(static_cast<std::uint64_t>(IndexNode::Type::kWhiteout))));
    const std::uint64_t flags = TRY(number(kFlags));
    node.is_implied = (flags & kImplied) != 0;
    node.for_whiteout = (flags & kForWhiteout) != 0;
    node.is_opaque = (flags & kOpaque) != 0;
    const bool is_directory = node.type == IndexNode::Type::kDirectory;
    if (!is_directory && (flags & ~kSame) != 0) return broken();
    if (node.for_whiteout && !node.is_implied) return broken();
    TRY(place(node, is_directory));
    if ((flags & kSame) != 0) {
      TRY(same(node));
    } else {
      node.attributes = TRY(attributes());
      TRY(content(node));
    }
    index_.nodes.push_back(std::move(node));
    return {};
  }

  // Its parent and its name: a tree by construction, and each name once.
  base::Result<void> place(IndexNode& node, bool is_directory) {
    const std::size_t self = index_.nodes.size();
    node.parent = static_cast<std::uint32_t>(TRY(number(kMostIndexNodes)));
    node.name = TRY(text(kNameBytes));
    if (self == 0) {
      if (!is_directory || node.parent != 0 || !node.name.empty() || node.for_whiteout) {
        return broken();
      }
      directories_.push_back({true, 0, 0, 0});
      return {};
    }
    if (node.parent >= self || !directories_[node.parent].is_one) return broken();
    if (node.name.empty() || node.name == "." || node.name == ".." ||
        node.name.find('/') != std::string::npos || node.name.find('\0') != std::string::npos) {
      return broken();
    }
    Directory& parent = directories_[node.parent];
    if (parent.last_child != 0 && index_.nodes[parent.last_child].name >= node.name) {
      return broken();
    }
    parent.last_child = static_cast<std::uint32_t>(self);
    const Directory own{is_directory, parent.depth + 1, parent.path_bytes + node.name.size() + 1,
                        0};
    if (own.depth > limits_.path_depth || own.path_bytes > kPathBytes) return broken();
    directories_.push_back(own);
    return {};
  }

  base::Result<void> same(IndexNode& node) {
    const std::uint64_t other = TRY(number(kMostIndexNodes));
    if (other >= index_.nodes.size()) return broken();
    const IndexNode& first = index_.nodes[other];
    const bool may_have_names = first.type == IndexNode::Type::kFile ||
                                first.type == IndexNode::Type::kSymlink ||
                                first.type == IndexNode::Type::kFifo;
    if (first.same_as || first.type != node.type || !may_have_names) return broken();
    node.same_as = static_cast<std::uint32_t>(other);
    return {};
  }

  base::Result<std::uint32_t> id() {
    const std::uint64_t id = TRY(number(0xfffffffe));
    // On disk ids are shifted; an EROFS layer has no shift (see layer_form.h).
    if (!ownership_.is_mapped(static_cast<std::int64_t>(id))) return broken();
    return static_cast<std::uint32_t>(id);
  }

  base::Result<FileAttributes> attributes() {
    FileAttributes attributes;
    attributes.uid = TRY(id());
    attributes.gid = TRY(id());
    attributes.mode = static_cast<mode_t>(TRY(number(07777)));
    attributes.mtime.tv_sec = static_cast<time_t>(TRY(number(~0ULL)));
    attributes.mtime.tv_nsec = static_cast<long>(TRY(number(kNanoseconds - 1)));
    const std::uint64_t count = TRY(number(limits_.xattrs));
    for (std::uint64_t i = 0; i < count; ++i) {
      Xattr xattr;
      xattr.name = TRY(text(kMostIndexXattrBytes));
      xattr.value = TRY(text(kMostIndexXattrBytes));
      const bool is_twice = std::ranges::any_of(
          attributes.xattrs, [&](const Xattr& other) { return other.name == xattr.name; });
      if (is_twice || !is_index_xattr(xattr, ownership_)) return broken();
      attributes.xattrs.push_back(std::move(xattr));
    }
    if (index_xattr_bytes(attributes.xattrs) > kMostIndexXattrBytes) return broken();
    return attributes;
  }

  base::Result<void> content(IndexNode& node) {
    if (node.type == IndexNode::Type::kSymlink) {
      node.target = TRY(text(kTargetBytes));
      const bool is_target = !node.target.empty() && node.target.find('\0') == std::string::npos;
      return is_target ? base::Result<void>() : broken();
    }
    if (node.type == IndexNode::Type::kFile) return file(node);
    return {};
  }

  base::Result<void> file(IndexNode& node) {
    node.size = TRY(number(limits_.expanded_bytes));
    node.crc = TRY(number(~0ULL));
    const std::uint64_t count = TRY(number(kMostIndexChunks));
    std::uint64_t end = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      FileExtent extent;
      extent.offset = TRY(number(node.size));
      extent.archive_offset = TRY(number(archive_bytes_));
      extent.length = TRY(number(node.size - extent.offset));
      if (extent.length == 0 || extent.offset < end ||
          extent.length > archive_bytes_ - extent.archive_offset) {
        return broken();
      }
      end = extent.offset + extent.length;
      node.extents.push_back(extent);
    }
    const auto bits = chunk_bits_of(node.size, node.extents);
    if (!bits) return broken();
    chunks_ += chunk_count(node.size, *bits);
    return chunks_ <= kMostIndexChunks ? base::Result<void>() : broken();
  }

  std::span<const std::byte> bytes_;
  std::uint64_t archive_bytes_;
  const LayerOwnership& ownership_;
  const Limits& limits_;
  LayerIndex index_;
  std::vector<Directory> directories_;  ///< One for each node.
  std::uint64_t chunks_ = 0;
};

}  // namespace

std::string encode_index(const LayerIndex& index) {
  std::string text;
  put(text, index.nodes.size());
  for (const IndexNode& node : index.nodes) put_node(text, node);
  return text;
}

base::Result<LayerIndex> decode_index(std::span<const std::byte> bytes, std::uint64_t archive_bytes,
                                      const LayerOwnership& ownership, const Limits& limits) {
  if (bytes.size() > kMostIndexBytes) return broken();
  return Decoder(bytes, archive_bytes, ownership, limits).run();
}

}  // namespace stagebox::images
