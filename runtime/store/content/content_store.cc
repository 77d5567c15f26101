#include "runtime/store/content/content_store.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <unordered_set>
#include <utility>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/store/content/blob_batch.h"
#include "runtime/store/content/blob_files.h"
#include "runtime/store/content/blob_reader.h"
#include "runtime/store/content/change_times.h"
#include "runtime/store/content/entry_stamp.h"
#include "runtime/store/content/file_place.h"
#include "runtime/store/content/stat_cache.h"
#include "runtime/store/content/tree_exporter.h"
#include "runtime/store/content/tree_importer.h"
#include "runtime/store/content/tree_materializer.h"
#include "runtime/store/content/unfinished_content.h"

namespace stagebox::store {

using base::Result;
using base::UniqueFd;

namespace {

/// The path in a stat cache that is of one file.
constexpr char kOnlyFile[] = "";

/// What was used longer ago is not about to be recorded any more: see collector.h.
constexpr std::chrono::seconds kSettled(kUseResolution + 60);

Result<UniqueFd> reopen(int lease, const std::string& name) {
  UniqueFd path(::openat(lease, ".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!path) return base::errno_error("open the stored tree " + name);
  return path;
}

}  // namespace

struct ContentStore::State {
  BlobFiles files;
  UniqueFd user_lock;                      ///< shared while the store is open
  std::mutex mutex;                        ///< for leases
  std::map<std::string, UniqueFd> leases;  ///< one per tree that was opened
};

ContentStore::ContentStore(std::unique_ptr<State> state) : state_(std::move(state)) {}
ContentStore::ContentStore(ContentStore&&) noexcept = default;
ContentStore& ContentStore::operator=(ContentStore&&) noexcept = default;
ContentStore::~ContentStore() = default;

Result<ContentStore> ContentStore::open(int home_fd, TreeOwner owner) {
  auto state = std::make_unique<State>();
  state->files = TRY(BlobFiles::open(home_fd, owner));
  state->user_lock = TRY(state->files.lock_user());
  return ContentStore(std::move(state));
}

void ContentStore::defer_syncs() { state_->files.defer_syncs(); }

Result<void> ContentStore::sync() const {
  UnsyncedFiles* const deferred = state_->files.deferred();
  return deferred == nullptr ? Result<void>() : deferred->sync();
}

Result<BlobRef> ContentStore::put_bytes(std::string_view content, Executable executable) const {
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  BlobBatch batch(state_->files);
  const BlobRef ref = TRY(batch.add_bytes(content, executable));
  TRY(batch.commit());
  return ref;
}

Result<std::vector<BlobRef>> ContentStore::put_blobs(
    const std::vector<std::string>& contents) const {
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  BlobBatch batch(state_->files);
  std::vector<BlobRef> refs;
  for (const std::string& content : contents) {
    const BlobRef ref = TRY(batch.add_bytes(content, Executable::kNo));
    refs.push_back(ref);
  }
  TRY(batch.commit());
  return refs;
}

Result<BlobRef> ContentStore::put_file(int fd, Executable executable,
                                       const CopyBounds& bounds) const {
  const struct stat status = TRY(base::stat_fd(fd));
  if (!S_ISREG(status.st_mode)) return base::invalid("only a regular file can be stored");
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  BlobBatch batch(state_->files, bounds.stop);
  const BlobRef ref = TRY(batch.add_file(fd, executable, bounds.bytes));
  TRY(batch.commit());
  return ref;
}

Result<BlobRef> ContentStore::put_known_file(int fd, Executable executable,
                                             std::string_view stat_cache_key,
                                             const CopyBounds& bounds) const {
  const struct stat before = TRY(base::stat_fd(fd));
  if (!S_ISREG(before.st_mode)) return base::invalid("only a regular file can be stored");
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  BlobBatch batch(state_->files, bounds.stop);
  const bool times_tell = has_change_times(fd);
  StatCache cache = StatCache::load(state_->files.stat_cache(), stat_cache_key);
  const auto known = times_tell ? cache.find(kOnlyFile, before) : std::nullopt;
  if (known) {
    const bool there = TRY(batch.has(*known, executable));
    if (there) return BlobRef{*known, static_cast<std::uint64_t>(before.st_size)};
  }
  const BlobRef ref = TRY(batch.add_likely_file(fd, executable, bounds.bytes));
  TRY(batch.commit());
  const struct stat after = TRY(base::stat_fd(fd));
  if (!times_tell || EntryStamp::of(before) != EntryStamp::of(after)) return ref;
  cache.note(kOnlyFile, before, ref.digest);
  cache.save();
  return ref;
}

Result<BlobRef> ContentStore::take_file(int dir_fd, const std::string& path, int fd,
                                        Executable executable, const CopyBounds& bounds) const {
  const struct stat status = TRY(base::stat_fd(fd));
  if (!S_ISREG(status.st_mode)) return base::invalid("only a regular file can be stored");
  FileDirectory directory;
  const FilePlace place = TRY(directory.place_of(dir_fd, path));
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  BlobBatch batch(state_->files, bounds.stop);
  const BlobRef ref = TRY(batch.take_file({place, fd, status}, executable, bounds.bytes));
  TRY(batch.commit());
  return ref;
}

Result<TreeSize> ContentStore::survey_tree(int dir_fd, const TreeOptions& options) const {
  return store::survey_tree(options, dir_fd);
}

Result<TreeRef> ContentStore::put_tree(int dir_fd, const TreeOptions& options,
                                       WalkWitness* witness) const {
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  std::optional<StatCache> cache;
  if (!options.stat_cache_key.empty()) {
    cache = StatCache::load(state_->files.stat_cache(), options.stat_cache_key);
  }
  const TreeRef ref =
      TRY(import_tree(state_->files, options, cache ? &*cache : nullptr, dir_fd, witness));
  if (cache) cache->save();
  return ref;
}

bool ContentStore::has_blob(const Digest& digest, Executable executable) const {
  const auto lock = state_->files.lock(LockMode::kShared);
  if (!lock.ok()) return false;
  const auto found = state_->files.find(digest, executable);
  return found.ok() && found->has_value();
}

Result<void> ContentStore::check_tree(const Digest& root) const {
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  std::vector<Digest> pending{root};
  std::unordered_set<Digest> seen{root};
  while (!pending.empty()) {
    const DirectoryListing listing = TRY(read_listing(state_->files, pending.back()));
    pending.pop_back();
    for (const FileEntry& file : listing.files) {
      // Found means used: each variant that is there is marked.
      const auto plain = TRY(state_->files.find(file.digest, Executable::kNo));
      const auto executable = TRY(state_->files.find(file.digest, Executable::kYes));
      if (plain || executable) continue;
      return state_->files.missing(file.digest).with_context(base::printable(file.name));
    }
    for (const DirectoryEntry& child : listing.directories) {
      if (seen.insert(child.digest).second) pending.push_back(child.digest);
    }
  }
  return {};
}

bool ContentStore::has_tree(const Digest& root) const { return check_tree(root).ok(); }

Result<void> ContentStore::check_output(const StoredOutput& output) const {
  if (output.kind == OutputKind::kDirectory) return check_tree(output.digest);
  if (state_->files.is_settled(output.digest, output.executable)) return {};
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  const auto found = TRY(state_->files.find(output.digest, output.executable));
  if (!found) return state_->files.missing(output.digest);
  return {};
}

bool ContentStore::has_output(const StoredOutput& output) const {
  return check_output(output).ok();
}

bool ContentStore::list_files(const StoredOutput& output, StoredFiles& files) const {
  if (output.kind == OutputKind::kFile)
    return add_stored_file(state_->files, output.digest, output.executable, files);
  const auto lock = state_->files.lock(LockMode::kShared);
  return lock.ok() && add_stored_tree(state_->files, output.digest, files);
}

bool ContentStore::list_blob(const Digest& digest, StoredFiles& files) const {
  return add_stored_file(state_->files, digest, Executable::kNo, files);
}

Result<std::string> ContentStore::read_blob(const Digest& digest, std::size_t limit) const {
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  return read_verified(state_->files, digest, limit);
}

Result<DirectoryListing> ContentStore::read_directory(const Digest& digest) const {
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  return read_listing(state_->files, digest);
}

Result<UniqueFd> ContentStore::open_tree(const Digest& root) const {
  UniqueFd opened = TRY(opened_before(root.hex()));
  if (opened) return opened;
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  UniqueFd lease = TRY(lease_tree(state_->files, root));
  return keep_open(root.hex(), std::move(lease));
}

Result<UniqueFd> ContentStore::open_overlay_tree(const Digest& root, const StageIds& ids) const {
  const std::string name = overlay_name(root, ids);
  UniqueFd opened = TRY(opened_before(name));
  if (opened) return opened;
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  UniqueFd lease = TRY(lease_overlay(state_->files, root, ids));
  return keep_open(name, std::move(lease));
}

// A tree is checked once per process.
Result<UniqueFd> ContentStore::opened_before(const std::string& name) const {
  const std::lock_guard guard(state_->mutex);
  const auto found = state_->leases.find(name);
  if (found == state_->leases.end()) return UniqueFd();
  return reopen(found->second.get(), name);
}

Result<UniqueFd> ContentStore::keep_open(const std::string& name, UniqueFd lease) const {
  UniqueFd path = TRY(reopen(lease.get(), name));
  const std::lock_guard guard(state_->mutex);
  state_->leases.insert_or_assign(name, std::move(lease));
  return path;
}

Result<UniqueFd> ContentStore::open_file(const Digest& digest, Executable executable) const {
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  TRY(ensure_variant(state_->files, digest, executable));
  const std::string path = BlobFiles::blob_path(BlobFiles::blob_name(digest, executable));
  UniqueFd fd(::openat(state_->files.blobs(), path.c_str(), O_PATH | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return base::errno_error("open the blob " + digest.hex());
  return fd;
}

Result<void> ContentStore::export_tree(const Digest& root, int dest_fd) const {
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  return store::export_tree(state_->files, root, dest_fd);
}

Result<void> ContentStore::export_file(const Digest& digest, Executable executable, int dest_fd,
                                       const std::string& name) const {
  TRY(check_entry_name(name));
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  return store::export_file(state_->files, digest, executable, dest_fd, name);
}

Result<void> ContentStore::write_file(const Digest& digest, Executable executable, int fd) const {
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  return write_blob(state_->files, digest, executable, fd);
}

Result<void> ContentStore::fill_file(const Digest& digest, Executable executable, int fd) const {
  const UniqueFd lock = TRY(state_->files.lock(LockMode::kShared));
  return copy_blob(state_->files, digest, executable, fd);
}

Result<VerifyResult> ContentStore::verify() const { return verify_blobs(state_->files); }

Result<std::unordered_map<Digest, std::uint64_t>> ContentStore::blob_sizes() const {
  return store::blob_sizes(state_->files);
}

Result<void> ContentStore::remove_unfinished() const {
  return store::remove_unfinished(state_->files);
}

Result<CollectResult> ContentStore::collect(const CollectOptions& options,
                                            const std::function<Result<LiveSet>()>& mark) const {
  // To remove what was used lately nobody else may have the store open, or open it meanwhile.
  const int user = state_->user_lock.get();
  const bool lately = options.max_bytes || options.older_than < kSettled;
  const bool alone = lately && ::flock(user, LOCK_EX | LOCK_NB) == 0;
  const base::ScopeExit share([user] { (void)::flock(user, LOCK_SH); });
  return store::collect(state_->files, options, alone ? Company::kNone : Company::kPossible, mark);
}

}  // namespace stagebox::store
