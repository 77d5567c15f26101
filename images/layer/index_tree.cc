#include "images/layer/index_tree.h"

#include <climits>
#include <deque>
#include <utility>

#include "images/base/text.h"
#include "images/layer/parent_view.h"

namespace stagebox::images {
namespace {

// Of one name: its place in a map and in the index.
constexpr std::uint64_t kNameCost = 96;

}  // namespace

std::string IndexTree::Walked::path() const {
  std::string path;
  for (const std::string& name : names) path = join_path(path, name);
  return path;
}

IndexTree::IndexTree(Budget& budget, LayerStats& stats) : budget_(budget), stats_(stats) {
  IndexNode root;
  root.is_implied = true;  // until it is mentioned
  (void)append(std::move(root));
}

IndexTree::Id IndexTree::append(IndexNode node) {
  memory_ += sizeof(Inode) + node.attributes.cost() + node.target.size() +
             node.extents.size() * sizeof(FileExtent);
  Inode inode;
  if (node.type == IndexNode::Type::kDirectory) inode.children = std::make_unique<Children>();
  inode.node = std::move(node);
  inodes_.push_back(std::move(inode));
  return static_cast<Id>(inodes_.size() - 1);
}

std::optional<IndexTree::Id> IndexTree::child(Id directory, const std::string& name) const {
  const auto& children = *inodes_[directory].children;
  const auto found = children.find(name);
  return found == children.end() ? std::nullopt : std::optional(found->second);
}

std::optional<IndexTree::Id> IndexTree::at(const Place& place) const {
  return child(place.directory, place.name);
}

base::Result<IndexTree::Place> IndexTree::place(const base::RelativePath& path) {
  const base::RelativePath parent = path.parent();
  if (cached_request_ != parent.str()) {
    const Walked walked = TRY(resolve(parent, Missing::kCreate));
    cached_ = walked.ids.back().value_or(0);  // kCreate: there always is one
    cached_request_ = parent.str();
  }
  return Place{cached_, path.name()};
}

base::Result<std::optional<IndexTree::Id>> IndexTree::find(const base::RelativePath& path) {
  const Walked walked = TRY(resolve(path.parent(), Missing::kKeep));
  const auto parent = walked.ids.back();
  if (!parent || !is_directory(*parent)) return std::optional<Id>();
  return child(*parent, path.name());
}

// Component by component; what is walked has no links, so ".." is right.
base::Result<IndexTree::Walked> IndexTree::resolve(const base::RelativePath& directory,
                                                   Missing missing) {
  const auto parts = directory.components();
  std::deque<std::string> todo(parts.begin(), parts.end());
  Walked walked;
  int links = 0;
  while (!todo.empty()) {
    const std::string part = todo.front();
    todo.pop_front();
    if (part == ".") continue;
    if (part == "..") {
      if (!walked.names.empty()) {
        walked.names.pop_back();
        walked.ids.pop_back();
      }
      continue;
    }
    std::vector<std::string> detour;
    TRY(enter(walked, part, missing, detour));
    if (!detour.empty() && ++links > kMostLinks) {
      return base::invalid("the path " + quote(directory.str()) + " has too many links");
    }
    todo.insert(todo.begin(), detour.begin(), detour.end());
  }
  const std::string path = walked.path();
  if (walked.names.size() > budget_.limits().path_depth || path.size() >= PATH_MAX) {
    return base::invalid("the path " + quote(path) + " is too deep");
  }
  return walked;
}

// One step down. A link leaves its target in `detour`, to be walked next.
base::Result<void> IndexTree::enter(Walked& walked, const std::string& part, Missing missing,
                                    std::vector<std::string>& detour) {
  const auto here = walked.ids.back();
  auto below = here && is_directory(*here) ? child(*here, part) : std::nullopt;
  if (below && inodes_[*below].node.type == IndexNode::Type::kSymlink) {
    const std::string& target = inodes_[*below].node.target;
    if (target.starts_with('/')) walked = Walked();
    detour = split_path(target);
    if (detour.empty()) detour.emplace_back(".");
    return {};
  }
  walked.names.push_back(part);
  if (missing == Missing::kCreate) {
    if (below && !is_directory(*below)) {
      return base::invalid(quote(walked.path()) +
                           " is a file of this layer and cannot hold entries");
    }
    if (!below) {
      if (walked.names.size() > budget_.limits().path_depth) {
        return base::invalid("the path " + quote(walked.path()) + " is too deep");
      }
      below = TRY(make_implied(*here, part));
    }
  }
  walked.ids.push_back(below);
  return {};
}

base::Result<IndexTree::Id> IndexTree::make_implied(Id parent, const std::string& name) {
  TRY(budget_.charge_entry());
  IndexNode node;
  node.is_implied = true;
  const Id id = append(std::move(node));
  add_name({parent, name}, id);
  return id;
}

void IndexTree::add_name(const Place& place, Id id) {
  clear(place);
  ++names_;
  memory_ += kNameCost + place.name.size();
  (*inodes_[place.directory].children)[place.name] = id;
}

void IndexTree::add(const Place& place, IndexNode node) {
  add_name(place, append(std::move(node)));
}

void IndexTree::clear(const Place& place) {
  if (inodes_[place.directory].children->erase(place.name) == 0) return;
  // What went may be a link by which the cached directory was found, or have it below.
  cached_request_.reset();
  ++stats_.replaced;
}

base::Result<void> IndexTree::add_directory(const base::RelativePath& path,
                                            FileAttributes attributes) {
  memory_ += attributes.cost();
  Id id = 0;
  if (!path.is_self()) {
    const Place where = TRY(place(path));
    const auto there = at(where);
    if (there && is_directory(*there)) {
      id = *there;
    } else {
      id = append(IndexNode());
      add_name(where, id);
    }
  }
  inodes_[id].node.attributes = std::move(attributes);
  inodes_[id].node.is_implied = false;
  return {};
}

base::Result<void> IndexTree::add_whiteout(const base::RelativePath& hidden) {
  const Walked parent = TRY(resolve(hidden.parent(), Missing::kKeep));
  const std::string path = join_path(parent.path(), hidden.name());
  memory_ += kNameCost + path.size();
  whiteouts_.insert(path);
  return {};
}

base::Result<void> IndexTree::add_opaque(const base::RelativePath& directory) {
  const Walked walked = TRY(resolve(directory, Missing::kCreate));
  inodes_[walked.ids.back().value_or(0)].node.is_opaque = true;
  return {};
}

// A whiteout is needed only where the layer itself does not hide what is below: not inside an
// opaque directory, and not behind something of its own that is no directory.
base::Result<void> IndexTree::settle_whiteout(const std::string& real_path) {
  const auto parts = split_path(real_path);
  Id here = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const bool is_last = i + 1 == parts.size();
    auto below = child(here, parts[i]);
    if (below && !is_directory(*below)) return {};
    if (below && is_last) {
      inodes_[*below].node.is_opaque = true;
      return {};
    }
    if (!below && is_last) {
      TRY(budget_.charge_entry());
      IndexNode whiteout;
      whiteout.type = IndexNode::Type::kWhiteout;
      add({here, parts[i]}, std::move(whiteout));
      return {};
    }
    if (!below) {
      below = TRY(make_implied(here, parts[i]));
      inodes_[*below].node.for_whiteout = true;
    }
    here = *below;
    if (inodes_[here].node.is_opaque) return {};
  }
  return {};
}

void IndexTree::list(LayerIndex& index, Id id, std::uint32_t number,
                     std::map<Id, std::uint32_t>& numbers) {
  for (const auto& [name, below] : *inodes_[id].children) {
    const auto own = static_cast<std::uint32_t>(index.nodes.size());
    IndexNode entry;
    const auto first = numbers.find(below);
    if (first != numbers.end()) {
      entry.type = inodes_[below].node.type;
      entry.same_as = first->second;
    } else {
      const IndexNode::Type type = inodes_[below].node.type;
      entry = std::exchange(inodes_[below].node, IndexNode());
      inodes_[below].node.type = type;
      if (!is_directory(below)) numbers.emplace(below, own);
    }
    entry.parent = number;
    entry.name = name;
    index.nodes.push_back(std::move(entry));
    if (is_directory(below)) list(index, below, own, numbers);
  }
}

base::Result<LayerIndex> IndexTree::finish() {
  // Under an opaque root everything is hidden already.
  if (!inodes_[0].node.is_opaque) {
    for (const std::string& path : whiteouts_) TRY(settle_whiteout(path));
  }
  LayerIndex index;
  index.nodes.push_back(inodes_[0].node);
  std::map<Id, std::uint32_t> numbers;
  list(index, 0, 0, numbers);
  return index;
}

}  // namespace stagebox::images
