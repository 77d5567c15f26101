// BlobBatch: everything one operation adds to the store, made durable together. Blobs are staged in
// a directory of the batch's own and appear under their names only in commit(), after their content
// has reached the disk; so a name in the store never stands for half a blob, whatever crashes. With
// deferred syncs (BlobFiles) it can after a crash of the machine, and then is not believed, as what
// is known of blobs is forgotten when the machine starts (verified_blobs.h). Internal to the store.
#pragma once

#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/store/content/blob_files.h"
#include "runtime/store/content/content_types.h"
#include "runtime/store/content/file_place.h"
#include "runtime/store/content/unsynced_files.h"

namespace stagebox::store {

/// A file that nobody needs any more once it is stored.
struct LeftFile {
  FilePlace place;
  int fd = -1;           ///< What was opened there, for reading,
  struct stat status{};  ///< and what it was like then.
};

/// For one thread, while it holds the store's shared lock. Without commit() nothing remains.
class BlobBatch {
 public:
  /// `stop` ends the reading of files with kCancelled.
  explicit BlobBatch(const BlobFiles& files, std::stop_token stop = {})
      : files_(files), stop_(std::move(stop)) {}
  BlobBatch(const BlobBatch&) = delete;
  BlobBatch& operator=(const BlobBatch&) = delete;
  ~BlobBatch();

  base::Result<BlobRef> add_bytes(std::string_view content, Executable executable);
  /// From the current position of the regular file `fd` to its end, at most `limit` bytes
  /// (kInvalid beyond). What is stored is what was hashed, even when the file changes meanwhile.
  base::Result<BlobRef> add_file(int fd, Executable executable, std::uint64_t limit);
  /// The same for all of a file that is likely to be stored already: it is read twice if not.
  base::Result<BlobRef> add_likely_file(int fd, Executable executable, std::uint64_t limit);
  /// The same for all of a file that was left: where that is possible it is moved instead of copied
  /// (file_adoption.h), and its name is gone.
  base::Result<BlobRef> take_file(const LeftFile& file, Executable executable, std::uint64_t limit);
  /// Stored already, or staged in this batch.
  base::Result<bool> has(const Digest& digest, Executable executable);
  /// Replaces a stored blob by a copy, for when it has as many hard links as the file system allows
  /// (EMLINK); those keep the old file. At once, not in commit().
  base::Result<void> renew(const Digest& digest, Executable executable);

  /// Syncs the content, moves it to its names, syncs those. Then the batch is empty again.
  base::Result<void> commit();

 private:
  base::Result<base::UniqueFd> create_incoming();
  /// Hashes the rest of the file while it is copied into `incoming`; `head` was read before and
  /// stands in buffer_.
  base::Result<BlobRef> copy_in(int fd, std::string_view head, int incoming, std::uint64_t limit);
  base::Result<void> stage(base::UniqueFd incoming, const std::string& name, Executable executable);
  /// Up to kCopyChunk bytes from the current position on, in buffer_.
  base::Result<std::string_view> read_head(int fd, std::uint64_t limit);
  /// Hashes all of a file.
  base::Result<BlobRef> hash_file(int fd, std::uint64_t limit);
  /// False when the name stands for something else by now, or cannot be moved; it is not staged
  /// then.
  base::Result<bool> move_in(const LeftFile& file, const std::string& name);
  base::Result<void> open_staging();
  base::Result<void> sync_if_few(int fd) const;
  void add_staged(std::string name);
  /// The errno, or 0.
  [[nodiscard]] int move_into_place(const std::string& name) const;
  /// The content was hashed while it was written, where nobody else writes.
  void note(const std::string& name) const;
  base::Result<void> publish(const std::string& name);
  base::Result<void> sync_names();
  void discard();

  const BlobFiles& files_;
  std::stop_token stop_;
  std::string staging_name_;  ///< in files_.tmp(); empty while there is none
  base::UniqueFd staging_;
  /// Names in staging_, in the order in which they came: so their inodes lie beside each other on
  /// the disk, and moving a million of them writes each block of inodes once.
  std::deque<std::string> staged_;
  std::unordered_set<std::string_view> staged_names_;  ///< The same.
  UnsyncedNames unsynced_;  ///< in files_.blobs(), to be synced by commit()
  /// kCopyChunk bytes for add_file, kept from file to file. Not cleared: most files are small.
  std::unique_ptr<char[]> buffer_;
};

}  // namespace stagebox::store
