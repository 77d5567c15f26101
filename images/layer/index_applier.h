// IndexApplier: from the entries of a layer's tar archive to its LayerIndex: LayerApplier, but
// nothing is made. The rules for names, links, whiteouts and attributes are the same (a test
// compares what both make of the same layers).
#pragma once

#include <set>
#include <stop_token>
#include <string>

#include "images/base/limits.h"
#include "images/layer/archive_copy.h"
#include "images/layer/index_tree.h"
#include "images/tar/tar_reader.h"
#include "runtime/base/result.h"

namespace stagebox::images {

class IndexApplier {
 public:
  /// All references must outlive the applier.
  IndexApplier(const LayerOwnership& ownership, Budget& budget)
      : ownership_(ownership), budget_(budget), tree_(budget, stats_) {}

  /// Reads entries until the end of the archive. kCancelled when `stop` was requested.
  base::Result<LayerIndex> apply(ArchiveCopy& archive, const std::stop_token& stop);
  /// After an error: the layer is, as far as it was read, right, but it can only be a directory. It
  /// has a hard link to a file of a layer below, a sparse file in small pieces, or too many names.
  [[nodiscard]] bool needs_directory() const { return needs_directory_; }
  [[nodiscard]] const LayerStats& stats() const { return stats_; }

 private:
  base::Result<void> apply_entry(TarReader& reader, const TarEntry& entry, ArchiveCopy& archive);
  base::Result<void> add(TarReader& reader, const TarEntry& entry, const base::RelativePath& path,
                         ArchiveCopy& archive);
  base::Result<FileAttributes> attributes(const TarEntry& entry);
  base::Result<void> read_content(TarReader& reader, const TarEntry& entry, ArchiveCopy& archive,
                                  IndexNode& node);
  base::Result<void> add_hardlink(const TarEntry& entry, const base::RelativePath& path);
  base::Error only_as_directory();

  const LayerOwnership& ownership_;
  Budget& budget_;
  LayerStats stats_;
  IndexTree tree_;
  bool needs_directory_ = false;
  std::uint64_t chunks_ = 0;
  std::set<std::string> skipped_;  ///< A hard link to one of these is skipped too.
};

}  // namespace stagebox::images
