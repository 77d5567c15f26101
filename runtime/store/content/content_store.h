// ContentStore: blobs and trees by the hash of their content, below the state directory. It stores,
// finds, verifies, makes trees visible to stages, and collects what is not needed any more. It does
// not know what a stage is (action.h) or which results exist (action_cache.h, run_store.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/store/content/collector.h"
#include "runtime/store/content/content_check.h"
#include "runtime/store/content/content_types.h"
#include "runtime/store/content/copy_bounds.h"
#include "runtime/store/content/directory_listing.h"
#include "runtime/store/content/stored_files.h"
#include "runtime/store/content/stored_output.h"
#include "runtime/store/content/tree_options.h"
#include "runtime/store/content/walk_witness.h"

namespace stagebox::store {

/// All functions may be called from several threads, and several processes may have the same store
/// open. What a put_ function returned survives a crash of the machine, unless that was deferred.
/// No function leaves temporary files behind when it fails.
class ContentStore {
 public:
  /// Opens or creates `cas/` and `stat-cache/` below the home directory. `owner` gets what is
  /// stored from now on (needs CAP_CHOWN unless it is the caller).
  static base::Result<ContentStore> open(int home_fd, TreeOwner owner = {});
  ContentStore(ContentStore&&) noexcept;
  ContentStore& operator=(ContentStore&&) noexcept;
  ContentStore(const ContentStore&) = delete;
  ContentStore& operator=(const ContentStore&) = delete;
  /// Lets go of the trees that were opened; gc may then remove them.
  ~ContentStore();

  base::Result<BlobRef> put_bytes(std::string_view content,
                                  Executable executable = Executable::kNo) const;
  /// Several blobs, made durable together.
  base::Result<std::vector<BlobRef>> put_blobs(const std::vector<std::string>& contents) const;
  /// From the current position of a regular file to its end; streamed. kInvalid when it is not a
  /// regular file, or as `bounds` says. What is stored is what was hashed.
  base::Result<BlobRef> put_file(int fd, Executable executable,
                                 const CopyBounds& bounds = {}) const;
  /// The same for all of a file that may be as it was the last time: then it is not read. It is
  /// remembered by `stat_cache_key`, which names no directory that is put with the same key.
  base::Result<BlobRef> put_known_file(int fd, Executable executable,
                                       std::string_view stat_cache_key,
                                       const CopyBounds& bounds = {}) const;
  /// Everything below a directory: files (their content and whether the owner may execute them),
  /// directories, and symbolic links as they are. Nothing is followed, and names of other modes,
  /// owners and times are dropped. kInvalid, naming the path: a fifo, socket or device, what cannot
  /// be read, a name that is not UTF-8, a limit of `options`.
  /// `witness` learns what was looked at.
  base::Result<TreeRef> put_tree(int dir_fd, const TreeOptions& options = {},
                                 WalkWitness* witness = nullptr) const;

  /// The same for a file that nobody needs any more: it may be moved into the store, see
  /// SourceFiles::kTaken. `fd` is what was opened, for reading, as `path` beneath `dir_fd`.
  base::Result<BlobRef> take_file(int dir_fd, const std::string& path, int fd,
                                  Executable executable, const CopyBounds& bounds = {}) const;
  /// How much put_tree() would store. Fails as it would, but for what only reading a file tells.
  [[nodiscard]] base::Result<TreeSize> survey_tree(int dir_fd,
                                                   const TreeOptions& options = {}) const;

  /// From now on what is stored survives a crash of the machine only after sync(): waiting for the
  /// disk once for many things takes hardly longer than once for one. What a crash damages before
  /// that is found when it is used, as any other damage. Before several threads use the store.
  void defer_syncs();
  [[nodiscard]] base::Result<void> sync() const;

  /// Marks the blob as used. Its content is read unless it is known to be right; what is damaged is
  /// removed and counts as missing. So do all functions that use something stored.
  [[nodiscard]] bool has_blob(const Digest& digest, Executable executable = Executable::kNo) const;
  /// Whether the tree and everything it reaches is stored (files in either variant); marks all of
  /// it as used. kNotFound and kCorrupt name the part that is not.
  [[nodiscard]] base::Result<void> check_tree(const Digest& root) const;
  [[nodiscard]] bool has_tree(const Digest& root) const;

  /// The same for an output of either kind.
  [[nodiscard]] base::Result<void> check_output(const StoredOutput& output) const;
  [[nodiscard]] bool has_output(const StoredOutput& output) const;
  /// Adds everything that the output reaches to `files`. False when a part is not there, not known
  /// to be right, or was not used lately: then nothing can be said of it without check_output().
  [[nodiscard]] bool list_files(const StoredOutput& output, StoredFiles& files) const;
  /// The same for a blob that is not executable.
  [[nodiscard]] bool list_blob(const Digest& digest, StoredFiles& files) const;

  /// Verified; either variant. kNotFound; kInvalid for more than `limit` bytes; kCorrupt when the
  /// content is not what the name says: then the blob has been removed.
  base::Result<std::string> read_blob(const Digest& digest, std::size_t limit) const;
  /// One level of a stored tree, verified.
  base::Result<DirectoryListing> read_directory(const Digest& digest) const;

  /// The tree as a read-only directory (O_PATH), to be mounted: directories 0555, files 0444 or
  /// 0555, one fixed modification time. Made when first asked for, and made again when it is there
  /// but is not what it should be, which is looked at once; gc leaves it alone while this object
  /// lives. kNotFound when a part is missing, kCorrupt when one is visibly damaged.
  base::Result<base::UniqueFd> open_tree(const Digest& root) const;
  /// The same tree as the lower directory of an overlay: directories 0755, files 0644 or 0755, all
  /// of the stage's user. Copies, made once.
  base::Result<base::UniqueFd> open_overlay_tree(const Digest& root, const StageIds& ids) const;
  /// One file (O_PATH), 0444 or 0555, to be mounted.
  base::Result<base::UniqueFd> open_file(const Digest& digest, Executable executable) const;

  /// Copies for people: 0644 or 0755 less the umask, owned by the caller, every byte verified. The
  /// destination must be an empty directory; it is empty again after a failure.
  base::Result<void> export_tree(const Digest& root, int dest_fd) const;
  /// Makes the new file `name` (a single name) in `dest_fd`; an existing one is an error (EEXIST).
  base::Result<void> export_file(const Digest& digest, Executable executable, int dest_fd,
                                 const std::string& name) const;

  /// Writes a file's content to an open file, from its current position on.
  base::Result<void> write_file(const Digest& digest, Executable executable, int fd) const;
  /// The same into a new, empty file that can be read too: with the holes of a large one.
  base::Result<void> fill_file(const Digest& digest, Executable executable, int fd) const;

  /// As store::verify_blobs().
  [[nodiscard]] base::Result<VerifyResult> verify() const;
  /// As store::blob_sizes(), for budgets.
  [[nodiscard]] base::Result<std::unordered_map<Digest, std::uint64_t>> blob_sizes() const;
  /// As store::remove_unfinished(), after somebody died who may have used this store.
  [[nodiscard]] base::Result<void> remove_unfinished() const;
  /// Removes what `mark` does not name or reach and was not used lately; see collector.h. `mark`
  /// runs while other processes may still add things, and may use this store.
  base::Result<CollectResult> collect(const CollectOptions& options,
                                      const std::function<base::Result<LiveSet>()>& mark) const;

 private:
  struct State;
  explicit ContentStore(std::unique_ptr<State> state);
  /// None when this object did not open it yet.
  base::Result<base::UniqueFd> opened_before(const std::string& name) const;
  base::Result<base::UniqueFd> keep_open(const std::string& name, base::UniqueFd lease) const;

  std::unique_ptr<State> state_;
};

}  // namespace stagebox::store
