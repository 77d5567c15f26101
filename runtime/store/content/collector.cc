#include "runtime/store/content/collector.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <ctime>
#include <limits>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "runtime/base/disk_use.h"
#include "runtime/base/files.h"
#include "runtime/store/content/blob_reader.h"
#include "runtime/store/content/tree_materializer.h"
#include "runtime/store/content/unfinished_content.h"

namespace stagebox::store {
namespace {

using base::Result;
using base::UniqueFd;

constexpr time_t kAnyAge = std::numeric_limits<time_t>::max();

/// The digest in a blob's or tree's name, before what tells its variants apart; nothing for names
/// that are not ours.
std::optional<Digest> digest_of(std::string_view name) {
  const auto digest = Digest::from_hex(name.substr(0, name.find('.')));
  return digest.ok() ? std::optional(*digest) : std::nullopt;
}

/// Longer than the time of last use is inexact, and than anybody holds on to what was found.
constexpr time_t kLeastAge = kUseResolution + 60;  // seconds

/// A blob that nothing needs, and that may go.
struct Candidate {
  time_t used = 0;
  std::string shard;
  std::string name;
};

// Not time(2), which lags behind by up to a tick: what was used in the last moment would be later.
time_t now() { return std::chrono::system_clock::to_time_t(std::chrono::system_clock::now()); }

class Collector {
 public:
  Collector(const BlobFiles& files, const CollectOptions& options, time_t least_age)
      : files_(files),
        max_bytes_(options.max_bytes),
        newest_(now() - least_age),
        cutoff_(std::min(newest_, now() - static_cast<time_t>(options.older_than.count()))) {}

  /// Everything that is reachable from `live`. What is missing or damaged reaches nothing.
  Result<void> mark(const LiveSet& live) {
    keep_.insert(live.blobs.begin(), live.blobs.end());
    keep_trees_.insert(live.trees.begin(), live.trees.end());
    TRY(mark_trees(live.trees, true));
    return mark_trees(live.listings, false);
  }

  Result<CollectResult> sweep() {
    {
      const UniqueFd lock = TRY(files_.lock(LockMode::kExclusive));
      result_.temporaries = TRY(condemn_unfinished(files_));
      TRY(condemn_trees());
    }
    TRY(remove_condemned(files_));
    const auto shards = TRY(base::list_dir(files_.blobs()));
    for (const std::string& shard : shards) TRY(sweep_shard(shard));
    TRY(sweep_down_to_budget());
    TRY(sweep_stat_caches());
    return result_;
  }

 private:
  Result<void> mark_trees(const std::set<Digest>& roots, bool with_files) {
    std::vector<Digest> pending(roots.begin(), roots.end());
    std::unordered_set<Digest> seen(roots.begin(), roots.end());
    while (!pending.empty()) {
      const Digest digest = pending.back();
      pending.pop_back();
      keep_.insert(digest);
      const auto listing = read_listing(files_, digest);
      if (!listing.ok() && listing.error().kind == base::ErrorKind::kSystem) return listing.error();
      if (!listing.ok()) continue;
      if (with_files) {
        for (const FileEntry& file : listing->files) keep_.insert(file.digest);
      }
      for (const DirectoryEntry& child : listing->directories) {
        if (seen.insert(child.digest).second) pending.push_back(child.digest);
      }
    }
    return {};
  }

  Result<void> condemn_trees() {
    const auto names = TRY(base::list_dir(files_.trees()));
    for (const std::string& name : names) {
      if (name.starts_with(kDamagedPrefix)) {
        TRY(condemn_tree(name, kAnyAge));
      } else if (const auto root = digest_of(name); root && max_bytes_) {
        TRY(condemn_tree(name, newest_));
      } else if (root && !keep_trees_.contains(*root)) {
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

  Result<void> sweep_shard(const std::string& name) {
    const UniqueFd dir = TRY(files_.open_shard(name));
    const UniqueFd lock = TRY(files_.lock(LockMode::kExclusive));
    const auto names = TRY(base::list_dir(dir.get()));
    for (const std::string& blob : names) TRY(sweep_blob(dir.get(), name, blob));
    return {};
  }

  Result<void> sweep_blob(int dir_fd, const std::string& shard, const std::string& name) {
    const struct stat status = TRY(base::stat_at(dir_fd, name));
    const auto digest = digest_of(name);
    const bool needed = !digest || keep_.contains(*digest);
    if (!needed && status.st_atim.tv_sec <= cutoff_) return remove_blob(dir_fd, name, status);
    result_.remaining += base::bytes_on_disk(status);
    if (!needed && max_bytes_ && status.st_atim.tv_sec <= newest_)
      candidates_.push_back({status.st_atim.tv_sec, shard, name});
    return {};
  }

  Result<void> remove_blob(int dir_fd, const std::string& name, const struct stat& status) {
    if (::unlinkat(dir_fd, name.c_str(), 0) != 0) {
      return base::errno_error("remove the blob " + name);
    }
    ++result_.blobs;
    if (status.st_nlink == 1) {
      result_.bytes += base::bytes_on_disk(status);
    }
    return {};
  }

  Result<void> sweep_down_to_budget() {
    if (!max_bytes_) return {};
    std::ranges::sort(candidates_, {}, &Candidate::used);
    for (const Candidate& candidate : candidates_) {
      if (result_.remaining <= *max_bytes_) return {};
      TRY(sweep_candidate(candidate));
    }
    return {};
  }

  Result<void> sweep_candidate(const Candidate& candidate) {
    const std::string path = candidate.shard + "/" + candidate.name;
    const UniqueFd lock = TRY(files_.lock(LockMode::kExclusive));
    const auto status = base::stat_at(files_.blobs(), path);
    // Gone, or used since it was looked at.
    if (!status.ok() || status->st_atim.tv_sec > newest_) return {};
    TRY(remove_blob(files_.blobs(), path, *status));
    result_.remaining -= base::bytes_on_disk(*status);
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
  std::optional<std::uint64_t> max_bytes_;
  time_t newest_;  ///< What was used later than this stays, whatever the budget.
  time_t cutoff_;
  std::vector<Candidate> candidates_;
  std::unordered_set<Digest> keep_;
  std::unordered_set<Digest> keep_trees_;
  CollectResult result_;
};

}  // namespace

Result<std::unordered_map<Digest, std::uint64_t>> blob_sizes(const BlobFiles& files) {
  std::unordered_map<Digest, std::uint64_t> sizes;
  for (const std::string& shard : TRY(base::list_dir(files.blobs()))) {
    const UniqueFd dir = TRY(files.open_shard(shard));
    for (const std::string& name : TRY(base::list_dir(dir.get()))) {
      const auto digest = digest_of(name);
      const auto status = base::stat_at(dir.get(), name);  // Or it was removed meanwhile.
      if (digest && status.ok()) sizes[*digest] += base::bytes_on_disk(*status);
    }
  }
  return sizes;
}

Result<CollectResult> collect(const BlobFiles& files, const CollectOptions& options,
                              Company company, const std::function<Result<LiveSet>()>& mark) {
  const UniqueFd only_gc = TRY(files.lock_gc());
  Collector collector(files, options, company == Company::kNone ? 0 : kLeastAge);
  const LiveSet live = TRY(mark());
  TRY(collector.mark(live));
  return collector.sweep();
}

}  // namespace stagebox::store
