// FileIntake: takes regular files into the store, reading only those that are not known to be
// there. One for each thread of an import. Internal to the store.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "runtime/base/error.h"
#include "runtime/base/result.h"
#include "runtime/store/content/blob_batch.h"
#include "runtime/store/content/file_place.h"
#include "runtime/store/content/tree_options.h"
#include "runtime/store/content/walked_tree.h"

namespace stagebox::store {

/// Unreadable is the user's to mend, and the error says so. `shown` is made for a terminal.
base::Error read_error(const std::string& shown, int errno_value);
/// The limit of `options` on bytes was passed at `path`.
base::Error too_large(const TreeOptions& options, const std::string& path);

class FileIntake {
 public:
  /// `bytes` counts what all threads took.
  FileIntake(const BlobFiles& files, const TreeOptions& options, std::atomic<std::uint64_t>& bytes)
      : batch_(files, options.stop), options_(options), bytes_(bytes) {}

  /// Stores the file `path`, beneath the directory and without following a link, and resolves
  /// `file`. kInvalid: it cannot be read, is no regular file any more, or exceeds the limit. With
  /// `kTaken` all files come with the same directory.
  base::Result<void> take(int dir_fd, const std::string& path, WalkedFile& file,
                          SourceFiles source_files);
  /// What else is to be stored with the files.
  BlobBatch& batch() { return batch_; }

 private:
  /// `place`: with kKept its name may be a longer path.
  base::Result<void> read(const FilePlace& place, int fd, WalkedFile& file,
                          SourceFiles source_files);
  base::Result<void> count(std::uint64_t bytes, const WalkedFile& file);

  BlobBatch batch_;
  const TreeOptions& options_;
  std::atomic<std::uint64_t>& bytes_;
  FileDirectory directory_;
};

}  // namespace stagebox::store
