// LayerApplier: from the entries of a layer's tar archive to a directory in overlayfs form. It does
// not care where the bytes come from or whether they are the right ones (LayerReader does).
//
// Everything in the archive is hostile. Parents are opened by LayerTree without following links;
// then only *at calls on one name with O_EXCL and O_NOFOLLOW, so nothing that exists is ever
// written to, chmod-ed or linked through. Device nodes are not made (counted), sockets do not occur
// in archives, set-id bits are kept (the store is private to its owner, and a sandbox's ids are
// nobody's on the host).
#pragma once

#include <set>
#include <stop_token>
#include <string>

#include "images/base/limits.h"
#include "images/layer/layer_recorder.h"
#include "images/layer/layer_tree.h"
#include "images/layer/parent_view.h"
#include "images/stream/byte_stream.h"
#include "images/tar/tar_reader.h"
#include "runtime/base/result.h"

namespace stagebox::images {

class LayerApplier {
 public:
  /// `root_fd` is an empty directory; all references must outlive the applier.
  LayerApplier(int root_fd, const ParentView& parents, const LayerOwnership& ownership,
               Budget& budget);

  /// Reads entries until the end of the archive and completes the directory. kCancelled when `stop`
  /// was requested. After an error the directory is to be removed.
  base::Result<LayerStats> apply(ByteStream& tar, const std::stop_token& stop);
  /// The same, and tells the recorder which bytes went where.
  base::Result<LayerStats> apply_recorded(LayerRecorder& tar, const std::stop_token& stop);
  /// False for a file (by its path without links) that was made without extended attributes.
  [[nodiscard]] bool may_have_xattrs(const std::string& real_path) const {
    return birth_.has_xattrs || with_xattrs_.contains(real_path);
  }

 private:
  base::Result<void> apply_entry(TarReader& reader, const TarEntry& entry);
  base::Result<void> add(TarReader& reader, const TarEntry& entry, const base::RelativePath& path);
  base::Result<void> add_file(TarReader& reader, const TarEntry& entry,
                              const base::RelativePath& path, const FileAttributes& attributes);
  base::Result<void> write_content(TarReader& reader, const TarEntry& entry,
                                   const std::string& real_path, int fd);
  base::Result<void> add_symlink(const std::string& target, const base::RelativePath& path,
                                 const FileAttributes& attributes);
  base::Result<void> add_fifo(const base::RelativePath& path, const FileAttributes& attributes);
  base::Result<void> add_hardlink(const TarEntry& entry, const base::RelativePath& path);
  base::Result<bool> link_within(const base::RelativePath& target, const base::RelativePath& path);
  base::Result<void> copy_from_parents(const base::RelativePath& target,
                                       const base::RelativePath& path);
  base::Result<void> copy_file(const ParentView::Found& found, const base::RelativePath& path);
  base::Result<void> copy_symlink(const ParentView::Found& found, const base::RelativePath& path);
  base::Result<void> note_xattrs(const std::string& real_path, const FileAttributes& attributes);
  base::Result<base::UniqueFd> create_file(const LayerTree::Place& place, mode_t mode);

  int root_fd_;
  const ParentView& parents_;
  const LayerOwnership& ownership_;
  Budget& budget_;
  LayerStats stats_;
  LayerTree tree_;
  LayerRecorder* recorder_ = nullptr;
  Birth birth_;
  std::set<std::string> with_xattrs_;
  std::set<std::string> skipped_;  ///< A hard link to one of these is skipped too.
};

}  // namespace stagebox::images
