// LayerTree: the directory of one layer while it is being filled, in overlayfs form (as mounted
// with "userxattr"): hidden names are character devices 0:0, opaque directories carry
// user.overlay.opaque. It finds and makes parent directories, clears the way for an entry, and
// keeps what can only be decided or set when all entries are there: whiteouts, opaque marks, and
// the modes and times of directories.
//
// A link that the layer itself has put in the way of a path is followed within the layer's own
// directory, by this code and not by the kernel, as the common runtimes do ("lib -> usr/lib", then
// "lib/x"). A link of a layer *below* is hidden by a real directory, which is what overlayfs makes
// of it. Every directory is opened beneath the layer's descriptor without following any link.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "images/base/limits.h"
#include "images/layer/file_attributes.h"
#include "images/layer/parent_view.h"
#include "runtime/base/relative_path.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

class LayerTree {
 public:
  /// Where an entry goes. Valid until the next call to the tree but clear().
  struct Place {
    int dir_fd = -1;        ///< O_PATH, the parent directory.
    std::string name;       ///< In that directory.
    std::string real_path;  ///< Of the entry, without links.
  };

  /// `root_fd` is an empty directory of ours; all references must outlive the tree.
  LayerTree(int root_fd, const ParentView& parents, const LayerOwnership& ownership, Budget& budget,
            LayerStats& stats)
      : root_fd_(root_fd),
        parents_(parents),
        ownership_(ownership),
        budget_(budget),
        stats_(stats) {}

  /// The place of `path` (not the root), with its parent directories made.
  base::Result<Place> place(const base::RelativePath& path);
  /// The place of something that should exist; nullopt when its parent does not.
  base::Result<std::optional<Place>> existing_place(const base::RelativePath& path);
  /// Removes whatever is at `place`. Nothing there is success.
  base::Result<void> clear(const Place& place);

  /// Makes the directory or takes over one that is there; its attributes are set by finish().
  base::Result<void> add_directory(const base::RelativePath& path, FileAttributes attributes);
  base::Result<void> add_whiteout(const base::RelativePath& hidden);
  base::Result<void> add_opaque(const base::RelativePath& directory);

  /// Opaque marks first, then whiteouts, then directories from the deepest up.
  base::Result<void> finish();

 private:
  /// None: only implied, decided by the layers below when all entries are there.
  using DirectoryAttributes = std::optional<FileAttributes>;

  enum class Missing { kCreate, kKeep };

  base::Result<std::string> resolve(const base::RelativePath& directory, Missing missing);
  base::Result<void> enter(std::string& path, const std::string& part, Missing missing,
                           std::vector<std::string>& detour);
  base::Result<base::UniqueFd> open_dir(const std::string& real_path, int flags) const;
  base::Result<int> cached_dir(const std::string& real_path);
  base::Result<void> make_implied(int parent_fd, const std::string& real_path);
  base::Result<FileAttributes> implied_attributes(const std::string& real_path);
  base::Result<void> remember(const std::string& real_path, DirectoryAttributes own);
  void forget_below(const std::string& real_path);

  base::Result<void> expand_opaque_root();
  base::Result<void> mark_opaque(const std::string& real_path) const;
  [[nodiscard]] bool below_opaque(const std::string& real_path) const;
  [[nodiscard]] base::Result<bool> is_taken(const std::string& real_path) const;
  base::Result<void> settle_whiteout(const std::string& real_path);
  base::Result<void> finish_directory(const std::string& real_path,
                                      const FileAttributes& attributes);

  int root_fd_;
  const ParentView& parents_;
  const LayerOwnership& ownership_;
  Budget& budget_;
  LayerStats& stats_;

  std::map<std::string, DirectoryAttributes> directories_;  ///< By real path, the root is "".
  std::set<std::string> whiteouts_;
  std::set<std::string> opaques_;

  // The parent of the entry before is mostly the parent of this one.
  std::string cached_request_;
  std::string cached_real_;
  base::UniqueFd cached_fd_;
};

}  // namespace stagebox::images
