// TreeImporter: walks a directory of the host or of a finished stage and stages everything in it as
// blobs and Directory messages. Internal to the store; ContentStore::put_tree is the way in.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/store/blob_batch.h"
#include "runtime/store/dir_stack.h"
#include "runtime/store/directory_listing.h"
#include "runtime/store/stat_cache.h"
#include "runtime/store/tree_options.h"

namespace stagebox::store {

/// For one walk. Never follows a link, and holds a bounded number of descriptors at any depth.
class TreeImporter {
 public:
  /// `cache` may be null. Everything must outlive this.
  TreeImporter(BlobBatch& batch, const TreeOptions& options, StatCache* cache)
      : batch_(batch), options_(options), cache_(cache) {}

  base::Result<TreeRef> run(int dir_fd);

 private:
  struct Frame {
    std::vector<std::string> names;
    std::size_t next = 0;
    std::size_t path_length = 0;  ///< of path_ while in this directory
    DirectoryListing listing;
  };

  base::Result<void> enter(base::UniqueFd dir);
  base::Result<void> leave();
  base::Result<void> visit(const std::string& name);
  base::Result<void> visit_directory(const std::string& name);
  base::Result<void> visit_file(const std::string& name, const struct stat& status);
  base::Result<void> read_file(const std::string& name, int fd, const struct stat& opened);
  base::Result<void> visit_symlink(const std::string& name);
  base::Result<void> add(const std::string& name, const BlobRef& blob, Executable executable);
  base::Result<void> count_bytes(std::uint64_t bytes);
  [[nodiscard]] base::Error too_large() const;
  [[nodiscard]] std::string shown() const;

  BlobBatch& batch_;
  const TreeOptions& options_;
  StatCache* cache_;
  DirStack dirs_;
  std::vector<Frame> frames_;
  std::string path_;  ///< of the entry being looked at, from the root; "" for the root
  std::uint64_t entries_ = 0;
  TreeRef result_;
};

}  // namespace stagebox::store
