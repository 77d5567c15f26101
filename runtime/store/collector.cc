#include "runtime/store/collector.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <ctime>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/base/random_id.h"
#include "runtime/store/blob_reader.h"
#include "runtime/store/tree_materializer.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::UniqueFd;

constexpr std::uint64_t kStatBlock = 512;  // bytes per st_blocks, stat(2)
constexpr std::string_view kCondemnedPrefix = ".old-";
constexpr time_t kAnyAge = std::numeric_limits<time_t>::max();

/// The digest in a blob's or tree's name, before what tells its variants apart; nothing for names
/// that are not ours.
std::optional<Digest> digest_of(std::string_view name) {
  const auto digest = Digest::from_hex(name.substr(0, name.find('.')));
  return digest.ok() ? std::optional(*digest) : std::nullopt;
}

class Collector {
 public:
  Collector(const BlobFiles& files, time_t cutoff) : files_(files), cutoff_(cutoff) {}

  /// Everything that is reachable from `live`. What is missing or damaged reaches nothing.
  Result<void> mark(const LiveSet& live) {
    keep_.insert(live.blobs.begin(), live.blobs.end());
    keep_trees_.insert(live.trees.begin(), live.trees.end());
    std::vector<Digest> pending(live.trees.begin(), live.trees.end());
    std::unordered_set<Digest> seen(live.trees.begin(), live.trees.end());
    while (!pending.empty()) {
      const Digest digest = pending.back();
      pending.pop_back();
      keep_.insert(digest);
      const auto listing = read_listing(files_, digest);
      if (!listing.ok() && listing.error().kind == base::ErrorKind::kSystem) return listing.error();
      if (!listing.ok()) continue;
      for (const FileEntry& file : listing->files) keep_.insert(file.digest);
      for (const DirectoryEntry& child : listing->directories) {
        if (seen.insert(child.digest).second) pending.push_back(child.digest);
      }
    }
    return {};
  }

  Result<CollectResult> sweep() {
    {
      const UniqueFd lock = TRY(files_.lock(LockMode::kExclusive));
      TRY(condemn_temporaries());
      TRY(condemn_trees());
    }
    TRY(remove_condemned(files_.tmp()));
    TRY(remove_condemned(files_.trees()));
    const auto shards = TRY(base::list_dir(files_.blobs()));
    for (const std::string& shard : shards) TRY(sweep_shard(shard));
    TRY(sweep_stat_caches());
    return result_;
  }

 private:
  /// Renamed under the lock, removed without it: removing a large tree takes long.
  Result<void> condemn(int dir_fd, const std::string& name) {
    const std::string id = TRY(base::random_hex(16));
    const std::string target = std::string(kCondemnedPrefix) + id;
    if (::renameat(dir_fd, name.c_str(), dir_fd, target.c_str()) != 0) {
      return base::errno_error("move \"" + name + "\" out of the store");
    }
    return {};
  }

  Result<void> condemn_temporaries() {
    const auto names = TRY(base::list_dir(files_.tmp()));
    for (const std::string& name : names) {
      if (name.starts_with(kCondemnedPrefix)) continue;
      TRY(condemn(files_.tmp(), name));
      ++result_.temporaries;
    }
    return {};
  }

  Result<void> condemn_trees() {
    const auto names = TRY(base::list_dir(files_.trees()));
    for (const std::string& name : names) {
      if (name.starts_with(kUnfinishedPrefix)) {
        TRY(condemn(files_.trees(), name));
        ++result_.temporaries;
      } else if (name.starts_with(kDamagedPrefix)) {
        TRY(condemn_tree(name, kAnyAge));
      } else if (const auto root = digest_of(name); root && !keep_trees_.contains(*root)) {
        TRY(condemn_tree(name, cutoff_));
      }
    }
    return {};
  }

  Result<void> condemn_tree(const std::string& name, time_t cutoff) {
    const UniqueFd dir(
        ::openat(files_.trees(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!dir) return base::errno_error("open the stored tree " + name);
    const struct stat status = TRY(base::stat_fd(dir.get()));
    if (status.st_atim.tv_sec > cutoff) return {};
    if (::flock(dir.get(), LOCK_EX | LOCK_NB) != 0) return {};  // in use
    TRY(condemn(files_.trees(), name));
    ++result_.trees;
    return {};
  }

  static Result<void> remove_condemned(int dir_fd) {
    const auto names = TRY(base::list_dir(dir_fd));
    for (const std::string& name : names) {
      if (name.starts_with(kCondemnedPrefix)) TRY(base::remove_tree_at(dir_fd, name));
    }
    return {};
  }

  Result<void> sweep_shard(const std::string& name) {
    const UniqueFd dir(
        ::openat(files_.blobs(), name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!dir) return base::errno_error("open the store's directory \"" + name + "\"");
    const UniqueFd lock = TRY(files_.lock(LockMode::kExclusive));
    const auto names = TRY(base::list_dir(dir.get()));
    for (const std::string& blob : names) {
      const auto digest = digest_of(blob);
      if (digest && !keep_.contains(*digest)) TRY(sweep_blob(dir.get(), blob));
    }
    return {};
  }

  Result<void> sweep_blob(int dir_fd, const std::string& name) {
    const struct stat status = TRY(base::stat_at(dir_fd, name));
    if (status.st_atim.tv_sec > cutoff_) return {};
    if (::unlinkat(dir_fd, name.c_str(), 0) != 0) {
      return base::errno_error("remove the blob " + name);
    }
    ++result_.blobs;
    if (status.st_nlink == 1) {
      result_.bytes += static_cast<std::uint64_t>(status.st_blocks) * kStatBlock;
    }
    return {};
  }

  /// Written when something changed, so an old one may still serve; it is cheap to make again.
  Result<void> sweep_stat_caches() {
    const auto names = TRY(base::list_dir(files_.stat_cache()));
    for (const std::string& name : names) {
      const auto status = base::stat_at(files_.stat_cache(), name);
      if (status.ok() && status->st_mtim.tv_sec <= cutoff_) {
        (void)::unlinkat(files_.stat_cache(), name.c_str(), 0);
      }
    }
    return {};
  }

  const BlobFiles& files_;
  time_t cutoff_;
  std::unordered_set<Digest> keep_;
  std::unordered_set<Digest> keep_trees_;
  CollectResult result_;
};

}  // namespace

Result<CollectResult> collect(const BlobFiles& files, const CollectOptions& options,
                              const std::function<Result<LiveSet>()>& mark) {
  const UniqueFd only_gc = TRY(files.lock_gc());
  const time_t cutoff = ::time(nullptr) - static_cast<time_t>(options.older_than.count());
  Collector collector(files, cutoff);
  const LiveSet live = TRY(mark());
  TRY(collector.mark(live));
  return collector.sweep();
}

}  // namespace stagebox::store
