// TreeWalker: looks at a directory of the host or of a finished stage, down to every entry, without
// reading a file. Internal to the store; ContentStore::put_tree is the way in.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "runtime/base/dir_stack.h"
#include "runtime/base/result.h"
#include "runtime/store/content/entry_filter.h"
#include "runtime/store/content/file_intake.h"
#include "runtime/store/content/stat_cache.h"
#include "runtime/store/content/tree_options.h"
#include "runtime/store/content/walk_witness.h"
#include "runtime/store/content/walked_tree.h"

namespace stagebox::store {

/// For one walk. Never follows a link, and holds a bounded number of descriptors at any depth.
class TreeWalker {
 public:
  /// `cache` may be null; what it knows is noted with the files. `intake` takes at once what lies
  /// too deep to be opened from the root by its path; null when the files are only looked at.
  /// `witness` may be null. Everything outlives this.
  TreeWalker(const TreeOptions& options, StatCache* cache, FileIntake* intake, WalkWitness* witness)
      : options_(options), cache_(cache), intake_(intake), witness_(witness), filter_(options) {}

  base::Result<WalkedTree> run(int dir_fd);

 private:
  struct Frame {
    std::vector<std::string> names;
    std::size_t next = 0;
    std::size_t path_length = 0;  ///< of path_ while in this directory
    std::size_t dir = 0;          ///< index in tree_.dirs
    dev_t device = 0;
  };

  base::Result<void> enter(base::UniqueFd dir, EntryFilter::Verdict verdict);
  /// Whether what is in the directory may be remembered by its times.
  [[nodiscard]] bool is_remembered(int dir_fd, dev_t device) const;
  base::Result<std::string> ignore_text(int dir_fd);
  base::Result<void> visit(const std::string& name);
  base::Result<void> visit_directory(const std::string& name, EntryFilter::Verdict verdict);
  base::Result<void> visit_file(const std::string& name, const struct stat& status);
  base::Result<void> visit_symlink(const std::string& name);
  [[nodiscard]] std::string shown() const;

  const TreeOptions& options_;
  StatCache* cache_;
  FileIntake* intake_;
  WalkWitness* witness_;
  EntryFilter filter_;
  base::DirStack dirs_;
  std::vector<Frame> frames_;
  std::string path_;  ///< of the entry being looked at, from the root; "" for the root
  std::uint64_t entries_ = 0;
  WalkedTree tree_;
};

}  // namespace stagebox::store
