#include "images/layer/index_settler.h"

#include <fcntl.h>

#include <algorithm>
#include <map>

namespace stagebox::images {
namespace {

class Settler {
 public:
  Settler(LayerIndex& index, const ParentView& below, const LayerOwnership& ownership,
          LayerStats& stats)
      : index_(index), nodes_(index.nodes), below_(below), ownership_(ownership), stats_(stats) {}

  base::Result<void> run() {
    TRY(expand_opaque_root());
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].type == IndexNode::Type::kWhiteout) TRY(settle_whiteout(i));
    }
    drop_empty();
    for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
      if (nodes_[i].is_implied && !nodes_[i].is_dropped) TRY(settle_implied(i));
    }
    return {};
  }

 private:
  base::Result<void> expand_opaque_root() {
    if (!nodes_[0].is_opaque) return {};
    nodes_[0].is_opaque = false;
    std::map<std::string, std::uint32_t> own;
    for (std::uint32_t i = 1; i < nodes_.size(); ++i) {
      if (nodes_[i].parent == 0) own.emplace(nodes_[i].name, i);
    }
    const auto names = TRY(below_.root_names());
    for (const std::string& name : names) {
      const auto found = own.find(name);
      if (found == own.end()) {
        IndexNode whiteout;
        whiteout.type = IndexNode::Type::kWhiteout;
        whiteout.name = name;
        nodes_.push_back(std::move(whiteout));
      } else if (nodes_[found->second].type == IndexNode::Type::kDirectory) {
        nodes_[found->second].is_opaque = true;
      }
    }
    return {};
  }

  [[nodiscard]] bool is_below_opaque(std::uint32_t i) const {
    for (i = nodes_[i].parent; i != 0; i = nodes_[i].parent) {
      if (nodes_[i].is_opaque) return true;
    }
    return false;
  }

  base::Result<void> settle_whiteout(std::uint32_t i) {
    if (!is_below_opaque(i)) {
      const auto hidden = TRY(below_.find(index_path(index_, i)));
      if (hidden) return {};
    }
    nodes_[i].is_dropped = true;
    return {};
  }

  // From the end, where what is in a directory comes before it.
  void drop_empty() {
    std::vector<bool> is_needed(nodes_.size(), false);
    for (std::size_t i = nodes_.size(); i-- > 1;) {
      IndexNode& node = nodes_[i];
      if (node.for_whiteout && !is_needed[i]) node.is_dropped = true;
      if (!node.is_dropped) is_needed[node.parent] = true;
    }
  }

  // An overlay shows the attributes of its topmost layer.
  base::Result<void> settle_implied(std::uint32_t i) {
    const auto found = TRY(below_.find(index_path(index_, i)));
    FileAttributes& attributes = nodes_[i].attributes;
    if (found && S_ISDIR(found->status.st_mode)) {
      const base::UniqueFd fd = TRY(open_found(*found, O_RDONLY | O_DIRECTORY));
      attributes = TRY(attributes_of_fd(fd.get()));
      std::erase_if(attributes.xattrs,
                    [this](const Xattr& xattr) { return !is_index_xattr(xattr, ownership_); });
      if (index_xattr_bytes(attributes.xattrs) > kMostIndexXattrBytes) attributes.xattrs.clear();
      return {};
    }
    if (found && S_ISLNK(found->status.st_mode)) ++stats_.hidden_links;
    attributes = FileAttributes();
    attributes.uid = TRY(ownership_.on_disk(0, "user"));
    attributes.gid = TRY(ownership_.on_disk(0, "group"));
    return {};
  }

  LayerIndex& index_;
  std::vector<IndexNode>& nodes_;
  const ParentView& below_;
  const LayerOwnership& ownership_;
  LayerStats& stats_;
};

}  // namespace

bool asks_below(const LayerIndex& index) {
  return index.nodes[0].is_opaque || std::ranges::any_of(index.nodes, [](const IndexNode& node) {
           return node.is_implied || node.type == IndexNode::Type::kWhiteout;
         });
}

base::Result<void> settle_index(LayerIndex& index, const ParentView& below,
                                const LayerOwnership& ownership, LayerStats& stats) {
  return Settler(index, below, ownership, stats).run();
}

}  // namespace stagebox::images
