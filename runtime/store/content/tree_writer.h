// Writing a stored tree out as directories: the walk down the Merkle tree, once, for the two places
// it can go (TreeTarget): a read-only tree for stages, and ordinary copies for people. Internal to
// the store.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/store/content/blob_files.h"
#include "runtime/store/content/directory_listing.h"

namespace stagebox::store {

/// What differs between the places.
class TreeTarget {
 public:
  TreeTarget() = default;
  TreeTarget(const TreeTarget&) = delete;
  TreeTarget& operator=(const TreeTarget&) = delete;
  virtual ~TreeTarget() = default;

  /// Makes the file `entry.name` in the directory.
  virtual base::Result<void> write_file(int dir_fd, const FileEntry& entry) = 0;
  /// The link `name` was made in the directory.
  virtual base::Result<void> finish_link(int dir_fd, const std::string& name) = 0;
  /// The directory has all its entries.
  virtual base::Result<void> finish_dir(int dir_fd) = 0;
  /// mkdir(2)'s mode; the directory must be writable until finish_dir.
  [[nodiscard]] virtual unsigned dir_mode() const = 0;
};

/// How much a tree may be: a small Merkle tree with equal directories can stand for a vast one.
struct WriteLimits {
  /// Inputs sit below each other's directories: deeper than put_tree allows for each of them.
  std::size_t max_depth = 8192;
  std::uint64_t max_entries = 4'000'000;
};

/// Fills the empty directory `into` with the tree. kInvalid beyond `limits`; kNotFound and kCorrupt
/// as in read_verified. On failure what was written is left.
base::Result<void> write_tree(const BlobFiles& files, const Digest& root, base::UniqueFd into,
                              TreeTarget& target, const WriteLimits& limits = {});

}  // namespace stagebox::store
