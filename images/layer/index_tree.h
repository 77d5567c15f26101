// IndexTree: the tree of one layer in memory while its entries are read: the rules of LayerTree,
// without a file system. What only the layers below can decide is left open in the LayerIndex:
// attributes of implied directories, and whether a whiteout hides anything.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "images/base/limits.h"
#include "images/layer/layer_index.h"
#include "runtime/base/relative_path.h"
#include "runtime/base/result.h"

namespace stagebox::images {

class IndexTree {
 public:
  using Id = std::uint32_t;  ///< Of a file or directory, whatever its names.

  /// Where an entry goes.
  struct Place {
    Id directory = 0;
    std::string name;
  };

  /// Both must outlive the tree.
  IndexTree(Budget& budget, LayerStats& stats);

  /// The place of `path` (not the root), with its parent directories made.
  base::Result<Place> place(const base::RelativePath& path);
  /// What is at `path`, if anything; links among its parents are followed.
  base::Result<std::optional<Id>> find(const base::RelativePath& path);
  [[nodiscard]] std::optional<Id> at(const Place& place) const;
  [[nodiscard]] const IndexNode& node(Id id) const { return inodes_[id].node; }

  /// Puts a new file, link or fifo at `place`, in the place of whatever is there.
  void add(const Place& place, IndexNode node);
  /// The same with a further name of `id`.
  void add_name(const Place& place, Id id);
  /// Makes the directory or takes over one that is there.
  base::Result<void> add_directory(const base::RelativePath& path, FileAttributes attributes);
  base::Result<void> add_whiteout(const base::RelativePath& hidden);
  base::Result<void> add_opaque(const base::RelativePath& directory);
  /// Removes what is at `place`.
  void clear(const Place& place);

  /// What it is when all entries are there. Once.
  base::Result<LayerIndex> finish();

  /// About, in bytes; what was removed included.
  [[nodiscard]] std::uint64_t memory() const { return memory_; }
  [[nodiscard]] std::size_t size() const { return inodes_.size() + names_; }

 private:
  using Children = std::map<std::string, Id>;
  struct Inode {
    IndexNode node;
    std::unique_ptr<Children> children;  ///< Of directories only.
  };
  enum class Missing { kCreate, kKeep };
  /// A directory as it was reached. `id` is empty where there is none (Missing::kKeep).
  struct Walked {
    std::vector<std::optional<Id>> ids{Id{0}};
    std::vector<std::string> names;
    [[nodiscard]] std::string path() const;
  };

  base::Result<Walked> resolve(const base::RelativePath& directory, Missing missing);
  base::Result<void> enter(Walked& walked, const std::string& part, Missing missing,
                           std::vector<std::string>& detour);
  base::Result<Id> make_implied(Id parent, const std::string& name);
  [[nodiscard]] std::optional<Id> child(Id directory, const std::string& name) const;
  [[nodiscard]] bool is_directory(Id id) const { return inodes_[id].children != nullptr; }
  Id append(IndexNode node);
  base::Result<void> settle_whiteout(const std::string& real_path);
  void list(LayerIndex& index, Id id, std::uint32_t number, std::map<Id, std::uint32_t>& numbers);

  Budget& budget_;
  LayerStats& stats_;
  std::vector<Inode> inodes_;  ///< The first is the root.
  std::set<std::string> whiteouts_;
  std::size_t names_ = 0;
  std::uint64_t memory_ = 0;

  // The parent of the entry before is mostly the parent of this one.
  std::optional<std::string> cached_request_;
  Id cached_ = 0;
};

}  // namespace stagebox::images
