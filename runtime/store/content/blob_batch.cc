#include "runtime/store/content/blob_batch.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <ctime>
#include <memory>
#include <utility>

#include "runtime/base/digest.h"
#include "runtime/base/files.h"
#include "runtime/base/random_id.h"
#include "runtime/store/content/blob_reader.h"
#include "runtime/store/content/copy_bounds.h"
#include "runtime/store/content/file_adoption.h"
#include "runtime/store/content/hashed_copy.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::Sha256;
using base::UniqueFd;

constexpr const char* kIncoming = "incoming";
/// Up to this many new blobs are synced one by one, before they are moved into place.
constexpr std::size_t kSyncEach = UnsyncedNames::kSyncEach;
/// The writer of a blob younger than this may not have synced it, or its directory, yet.
constexpr time_t kUnsyncedFor = 60;  // seconds

}  // namespace

BlobBatch::~BlobBatch() { discard(); }

void BlobBatch::discard() {
  if (!staging_name_.empty()) (void)base::remove_tree_at(files_.tmp(), staging_name_);
  staging_name_.clear();
  staging_.reset();
  staged_names_.clear();
  staged_.clear();
}

Result<bool> BlobBatch::has(const Digest& digest, Executable executable) {
  const std::string name = BlobFiles::blob_name(digest, executable);
  const auto found = TRY(files_.find(digest, executable));
  if (found) {
    // Who relies on it relies on it being durable, whoever stored it a moment ago.
    if (!unsynced_.are_many() && ::time(nullptr) - found->st_ctim.tv_sec < kUnsyncedFor) {
      unsynced_.add(".");
      unsynced_.add(BlobFiles::shard_of(name));
      unsynced_.add(BlobFiles::blob_path(name));
    }
    return true;
  }
  return staged_names_.contains(name);
}

Result<void> BlobBatch::open_staging() {
  if (!staging_name_.empty()) return {};
  const std::string name = TRY(base::random_hex(16));
  TRY(base::make_dir_at(files_.tmp(), name, 0700));
  staging_name_ = name;
  staging_.reset(
      ::openat(files_.tmp(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!staging_) return base::errno_error("open a staging directory of the store");
  return {};
}

Result<UniqueFd> BlobBatch::create_incoming() {
  TRY(open_staging());
  (void)::unlinkat(staging_.get(), kIncoming, 0);  // of an addition that failed
  UniqueFd fd(::openat(staging_.get(), kIncoming, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!fd) return base::errno_error("create a file in the store");
  return fd;
}

Result<void> BlobBatch::sync_if_few(int fd) const {
  const bool at_once = files_.deferred() == nullptr && staged_.size() < kSyncEach;
  if (at_once && ::fsync(fd) != 0) return base::errno_error("sync a file of the store");
  return {};
}

Result<void> BlobBatch::stage(UniqueFd incoming, const std::string& name, Executable executable) {
  TRY(files_.seal_file(incoming.get(), executable));
  TRY(sync_if_few(incoming.get()));
  if (::renameat(staging_.get(), kIncoming, staging_.get(), name.c_str()) != 0) {
    return base::errno_error("rename a file of the store");
  }
  add_staged(name);
  return {};
}

void BlobBatch::add_staged(std::string name) {
  if (staged_names_.contains(name)) return;
  staged_names_.insert(staged_.emplace_back(std::move(name)));
}

Result<BlobRef> BlobBatch::add_bytes(std::string_view content, Executable executable) {
  const BlobRef ref{Sha256::of(content), content.size()};
  const bool there = TRY(has(ref.digest, executable));
  if (there) return ref;
  UniqueFd incoming = TRY(create_incoming());
  TRY(base::write_all(incoming.get(), content));
  TRY(stage(std::move(incoming), BlobFiles::blob_name(ref.digest, executable), executable));
  return ref;
}

Result<BlobRef> BlobBatch::copy_in(int fd, std::string_view head, int incoming,
                                   std::uint64_t limit) {
  // A reflink is a snapshot; reading it back gives the hash of exactly what is stored. It takes the
  // whole file, so only for one read from its start.
  const bool from_start = ::lseek(fd, 0, SEEK_CUR) == static_cast<off_t>(head.size());
  if (from_start && ::ioctl(incoming, FICLONE, fd) == 0) {
    const CopyResult cloned = TRY(hash_rest(incoming, {limit, stop_}));
    return BlobRef{cloned.digest, cloned.size};
  }
  if (from_start && static_cast<std::uint64_t>(TRY(base::stat_fd(fd)).st_size) >= kLargeFile) {
    const CopyResult copied = TRY(copy_and_hash(fd, incoming, {limit, stop_}));
    return BlobRef{copied.digest, copied.size};
  }
  const CopyBounds bounds{limit, stop_};
  Sha256 hasher;
  std::uint64_t size = 0;
  std::string_view chunk = head;
  while (!chunk.empty()) {
    TRY(bounds.check(size + chunk.size()));
    hasher.update(chunk);
    TRY(base::write_all(incoming, chunk));
    size += chunk.size();
    const std::size_t count = TRY(read_up_to(fd, buffer_.get(), kCopyChunk));
    chunk = {buffer_.get(), count};
  }
  return BlobRef{hasher.finish(), size};
}

Result<std::string_view> BlobBatch::read_head(int fd, std::uint64_t limit) {
  if (!buffer_) buffer_ = std::make_unique_for_overwrite<char[]>(kCopyChunk);
  const std::size_t count = TRY(read_up_to(fd, buffer_.get(), kCopyChunk));
  TRY(CopyBounds{.bytes = limit}.check(count));
  return std::string_view(buffer_.get(), count);
}

Result<BlobRef> BlobBatch::add_file(int fd, Executable executable, std::uint64_t limit) {
  const std::string_view head = TRY(read_head(fd, limit));
  if (head.size() < kCopyChunk) return add_bytes(head, executable);  // hashed before it is written
  UniqueFd incoming = TRY(create_incoming());
  const BlobRef ref = TRY(copy_in(fd, head, incoming.get(), limit));
  const bool there = TRY(has(ref.digest, executable));
  if (there) {
    (void)::unlinkat(staging_.get(), kIncoming, 0);
    return ref;
  }
  TRY(stage(std::move(incoming), BlobFiles::blob_name(ref.digest, executable), executable));
  return ref;
}

Result<BlobRef> BlobBatch::hash_file(int fd, std::uint64_t limit) {
  const std::string_view head = TRY(read_head(fd, limit));
  if (head.size() < kCopyChunk) return BlobRef{Sha256::of(head), head.size()};
  if (::lseek(fd, 0, SEEK_SET) != 0) return base::errno_error("go to the start of a file");
  const CopyResult all = TRY(hash_rest(fd, {limit, stop_}));
  return BlobRef{all.digest, all.size};
}

Result<BlobRef> BlobBatch::add_likely_file(int fd, Executable executable, std::uint64_t limit) {
  const BlobRef ref = TRY(hash_file(fd, limit));
  const bool there = TRY(has(ref.digest, executable));
  if (there) return ref;
  if (::lseek(fd, 0, SEEK_SET) != 0) return base::errno_error("go to the start of a file");
  return add_file(fd, executable, limit);
}

Result<bool> BlobBatch::move_in(const LeftFile& file, const std::string& name) {
  TRY(open_staging());
  if (::renameat(file.place.dir_fd, file.place.name.c_str(), staging_.get(), name.c_str()) != 0)
    return false;
  struct stat moved{};
  if (::fstatat(staging_.get(), name.c_str(), &moved, AT_SYMLINK_NOFOLLOW) != 0) return false;
  const bool same = moved.st_dev == file.status.st_dev && moved.st_ino == file.status.st_ino;
  // Only what a stage left can be in its place, so it is not missed.
  if (!same) TRY(base::remove_tree_at(staging_.get(), name));
  return same;
}

Result<BlobRef> BlobBatch::take_file(const LeftFile& file, Executable executable,
                                     std::uint64_t limit) {
  if (!seal_for_adoption(files_, file.fd, file.status, executable)) {
    return add_file(file.fd, executable, limit);
  }
  const BlobRef ref = TRY(hash_file(file.fd, limit));
  const bool there = TRY(has(ref.digest, executable));
  if (there) return ref;
  std::string name = BlobFiles::blob_name(ref.digest, executable);
  const bool moved = TRY(move_in(file, name));
  if (!moved) {
    if (::lseek(file.fd, 0, SEEK_SET) != 0) return base::errno_error("go to the start of a file");
    return add_file(file.fd, executable, limit);
  }
  TRY(sync_if_few(file.fd));
  add_staged(std::move(name));
  return ref;
}

Result<void> BlobBatch::renew(const Digest& digest, Executable executable) {
  const UniqueFd incoming = TRY(create_incoming());
  TRY(copy_blob(files_, digest, executable, incoming.get()));
  TRY(files_.seal_file(incoming.get(), executable));
  if (::fsync(incoming.get()) != 0) return base::errno_error("sync a file of the store");
  const std::string path = BlobFiles::blob_path(BlobFiles::blob_name(digest, executable));
  if (::renameat(staging_.get(), kIncoming, files_.blobs(), path.c_str()) != 0) {
    return base::errno_error("replace the blob " + digest.hex());
  }
  files_.note_intact(files_.blobs(), path, digest);
  return {};
}

int BlobBatch::move_into_place(const std::string& name) const {
  const std::string path = BlobFiles::blob_path(name);
  const int staging = staging_.get();
  if (::renameat2(staging, name.c_str(), files_.blobs(), path.c_str(), RENAME_NOREPLACE) == 0) {
    return 0;
  }
  if (errno != EINVAL) return errno;
  // A file system without RENAME_NOREPLACE just loses that sharing.
  return ::renameat(staging, name.c_str(), files_.blobs(), path.c_str()) == 0 ? 0 : errno;
}

void BlobBatch::note(const std::string& name) const {
  const auto digest = base::Digest::from_hex(name.substr(0, base::Digest::kHexChars));
  if (digest.ok()) files_.note_intact(files_.blobs(), BlobFiles::blob_path(name), *digest);
}

Result<void> BlobBatch::publish(const std::string& name) {
  const std::string shard = BlobFiles::shard_of(name);
  int error = move_into_place(name);
  if (error == ENOENT) {
    TRY(base::make_dir_at(files_.blobs(), shard, 0700));
    unsynced_.add(".");
    error = move_into_place(name);
  }
  if (error == 0) note(name);
  // EEXIST: an existing blob stays: materialised trees share it.
  if (error != 0 && error != EEXIST) {
    return base::system_error("move the blob " + name + " to its place", error);
  }
  unsynced_.add(shard);
  if (files_.deferred() != nullptr) unsynced_.add(BlobFiles::blob_path(name));
  return {};
}

Result<void> BlobBatch::sync_names() {
  const UnsyncedNames names = std::exchange(unsynced_, {});
  if (UnsyncedFiles* const deferred = files_.deferred()) {
    deferred->add_all(names);
    return {};
  }
  UnsyncedFiles now(files_.blobs());
  now.add_all(names);
  return now.sync();
}

Result<void> BlobBatch::commit() {
  if (!staged_.empty()) {
    const bool all_at_once = files_.deferred() == nullptr && staged_.size() > kSyncEach;
    if (all_at_once && ::syncfs(staging_.get()) != 0) {
      return base::errno_error("sync the store's file system");
    }
    for (const std::string& name : staged_) TRY(publish(name));
  }
  TRY(sync_names());
  discard();
  return {};
}

}  // namespace stagebox::store
