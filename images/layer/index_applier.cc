#include "images/layer/index_applier.h"

#include <algorithm>

#include "images/base/text.h"
#include "images/layer/entry_place.h"
#include "images/layer/layer_record.h"
#include "images/tar/entry_name.h"

namespace stagebox::images {
namespace {

// Of the tree. A worker may have more, see isolated_unpacker.cc.
constexpr std::uint64_t kMostMemory = 384ULL << 20U;
constexpr long kNanoseconds = 1'000'000'000;

}  // namespace

base::Error IndexApplier::only_as_directory() {
  needs_directory_ = true;
  return base::unsupported("the layer can only be stored as a directory");
}

base::Result<LayerIndex> IndexApplier::apply(ArchiveCopy& archive, const std::stop_token& stop) {
  TarReader reader(archive, budget_.limits());
  for (;;) {
    if (stop.stop_requested()) return base::cancelled("the import was interrupted");
    const auto entry = TRY(reader.next());
    if (!entry) break;
    TRY(budget_.charge_entry());
    ++stats_.entries;
    const auto done = apply_entry(reader, *entry, archive);
    if (!done.ok()) return done.error().with_context("the entry " + quote(entry->path));
    if (tree_.memory() > kMostMemory || tree_.size() > kMostIndexNodes) return only_as_directory();
  }
  LayerIndex index = TRY(tree_.finish());
  if (index.nodes.size() > kMostIndexNodes) return only_as_directory();
  return index;
}

base::Result<void> IndexApplier::apply_entry(TarReader& reader, const TarEntry& entry,
                                             ArchiveCopy& archive) {
  const auto path = TRY(place_entry(entry, budget_.limits(), tree_));
  return path ? add(reader, entry, *path, archive) : base::Result<void>();
}

// What a file system would refuse is counted, and left out; of two of one name the last counts.
base::Result<FileAttributes> IndexApplier::attributes(const TarEntry& entry) {
  FileAttributes found = TRY(attributes_of(entry, ownership_, stats_));
  if (found.mtime.tv_nsec < 0 || found.mtime.tv_nsec >= kNanoseconds) {
    return base::invalid("its time is no time");
  }
  std::vector<Xattr> kept;
  for (Xattr& xattr : found.xattrs) {
    std::erase_if(kept, [&xattr](const Xattr& other) { return other.name == xattr.name; });
    kept.push_back(std::move(xattr));
    const bool fits =
        is_index_xattr(kept.back(), ownership_) && index_xattr_bytes(kept) <= kMostIndexXattrBytes;
    if (fits) continue;
    kept.pop_back();
    ++stats_.degraded_xattrs;
  }
  found.xattrs = std::move(kept);
  return found;
}

base::Result<void> IndexApplier::add(TarReader& reader, const TarEntry& entry,
                                     const base::RelativePath& path, ArchiveCopy& archive) {
  IndexNode node;
  node.attributes = TRY(attributes(entry));
  switch (entry.type) {
    case TarEntry::Type::kFile:
      node.type = IndexNode::Type::kFile;
      break;
    case TarEntry::Type::kDirectory:
      return tree_.add_directory(path, std::move(node.attributes));
    case TarEntry::Type::kSymlink:
      if (entry.link_target.empty() || entry.link_target.size() > base::RelativePath::kMaxBytes) {
        return base::invalid("the link has a target that is empty or longer than 4095 bytes");
      }
      node.type = IndexNode::Type::kSymlink;
      node.target = entry.link_target;
      node.attributes.xattrs.clear();
      break;
    case TarEntry::Type::kFifo:
      node.type = IndexNode::Type::kFifo;
      node.attributes.xattrs.clear();  // fifos take none from users
      break;
    case TarEntry::Type::kHardlink:
      return add_hardlink(entry, path);
    case TarEntry::Type::kDevice:
    case TarEntry::Type::kUnknown:
      ++stats_.skipped_devices;
      TRY(budget_.charge_pending(path.str().size() + sizeof(std::string)));
      skipped_.insert(path.str());
      return {};
  }
  if (node.type == IndexNode::Type::kFile) TRY(budget_.charge_files(entry.size));
  const IndexTree::Place place = TRY(tree_.place(path));
  if (node.type == IndexNode::Type::kFile) TRY(read_content(reader, entry, archive, node));
  tree_.add(place, std::move(node));
  return {};
}

base::Result<void> IndexApplier::read_content(TarReader& reader, const TarEntry& entry,
                                              ArchiveCopy& archive, IndexNode& node) {
  node.size = entry.size;
  for (;;) {
    const auto data = TRY(reader.next_data());
    if (!data) break;
    if (data->offset > entry.size || data->bytes.size() > entry.size - data->offset) {
      return base::invalid("its content is longer than its header says");
    }
    if (data->bytes.empty()) continue;
    const bool is_there = TRY(archive.has(data->tar_offset, data->bytes));
    if (!is_there) return only_as_directory();
    node.crc = crc64(data->bytes, node.crc);
    if (!node.extents.empty()) {
      FileExtent& last = node.extents.back();
      if (data->offset < last.offset + last.length) return only_as_directory();
      if (data->offset == last.offset + last.length &&
          data->tar_offset == last.archive_offset + last.length) {
        last.length += data->bytes.size();
        continue;
      }
    }
    if (node.extents.size() >= kMostIndexChunks) return only_as_directory();
    node.extents.push_back({data->offset, data->tar_offset, data->bytes.size()});
  }
  const auto bits = chunk_bits_of(node.size, node.extents);
  if (!bits) return only_as_directory();
  chunks_ += chunk_count(node.size, *bits);
  return chunks_ <= kMostIndexChunks ? base::Result<void>() : only_as_directory();
}

base::Result<void> IndexApplier::add_hardlink(const TarEntry& entry,
                                              const base::RelativePath& path) {
  const auto target = TRY(parse_link_target(entry.link_target, budget_.limits()));
  if (target.is_self()) return base::invalid("it is a hard link to the root directory");
  const auto first = TRY(tree_.find(target));
  if (!first) {
    if (!skipped_.contains(target.str())) return only_as_directory();
    ++stats_.skipped_devices;
    return {};
  }
  if (tree_.node(*first).type == IndexNode::Type::kDirectory) {
    return base::invalid("it is a hard link to " + quote(target.str()) + ", which is a directory");
  }
  const IndexTree::Place place = TRY(tree_.place(path));
  if (tree_.at(place) == first) return {};
  tree_.clear(place);
  const auto still = TRY(tree_.find(target));
  if (still != first) {
    return base::invalid("it is a hard link to " + quote(target.str()) + ", whose place it takes");
  }
  tree_.add_name(place, *first);
  return {};
}

}  // namespace stagebox::images
