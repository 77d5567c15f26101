#include "runtime/store/content/tree_importer.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <ranges>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "runtime/base/printable.h"
#include "runtime/store/content/file_intake.h"
#include "runtime/store/content/tree_walker.h"

namespace stagebox::store {
namespace {

using base::Result;

/// What a thread takes at a time; fewer files than that are not worth a second thread.
constexpr std::size_t kChunk = 64;
constexpr std::size_t kMaxThreads = 8;

/// Takes all files of a tree, in the order of the walk as nearly as several threads can.
class ParallelIntake {
 public:
  ParallelIntake(std::vector<std::unique_ptr<FileIntake>>& intakes, SourceFiles source_files,
                 int root_fd, WalkedTree& tree)
      : intakes_(intakes), source_files_(source_files), root_fd_(root_fd), tree_(tree) {}

  Result<void> run() {
    std::vector<std::jthread> threads;
    for (std::size_t i = 1; i < intakes_.size(); ++i) {
      try {
        threads.emplace_back([this, i] { work(*intakes_[i]); });
      } catch (const std::system_error&) {
        break;  // No more threads here; the others do it.
      }
    }
    work(*intakes_[0]);
    threads.clear();
    if (failure_) return std::move(*failure_);
    return {};
  }

 private:
  void work(FileIntake& intake) {
    for (;;) {
      const std::size_t begin = next_.fetch_add(kChunk);
      const std::size_t end = std::min(begin + kChunk, tree_.files.size());
      for (std::size_t i = begin; i < end; ++i) {
        WalkedFile& file = tree_.files[i];
        if (file.resolved || file.gone) continue;
        auto taken = intake.take(root_fd_, file.path, file, source_files_);
        if (!taken.ok()) return fail(i, std::move(taken).error());
      }
      if (begin >= tree_.files.size()) return;
    }
  }

  /// The first one in the order of the walk is told, whichever thread was faster.
  void fail(std::size_t index, base::Error error) {
    const std::lock_guard guard(mutex_);
    next_ = tree_.files.size();
    if (failure_ && failed_at_ < index) return;
    failure_ = std::move(error);
    failed_at_ = index;
  }

  std::vector<std::unique_ptr<FileIntake>>& intakes_;
  SourceFiles source_files_;
  int root_fd_;
  WalkedTree& tree_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  std::optional<base::Error> failure_;
  std::size_t failed_at_ = 0;
};

/// Fails as taking the files would, as far as that can be told without reading them.
Result<TreeSize> measure(const WalkedTree& tree, const TreeOptions& options) {
  constexpr mode_t kReadable = S_IRUSR | S_IRGRP | S_IROTH;
  const bool reads_all = ::geteuid() == 0;
  TreeSize size;
  for (const WalkedFile& file : tree.files) {
    if (file.size > options.max_bytes - size.bytes) return too_large(options, file.path);
    if (!reads_all && (file.mode & kReadable) == 0)
      return read_error(base::printable(file.path), EACCES);
    ++size.files;
    size.bytes += file.size;
  }
  return size;
}

std::size_t threads_for(std::size_t files) {
  const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
  return std::clamp<std::size_t>(files / kChunk, 1, std::min(processors, kMaxThreads));
}

/// Files into the listings of their directories; both are in the order of the walk.
void fill_listings(WalkedTree& tree, StatCache* cache, TreeRef& result) {
  for (WalkedFile& file : tree.files) {
    if (file.gone) continue;
    if (cache != nullptr && file.fresh && tree.dirs[file.dir].remembered)
      cache->note(file.path, *file.fresh, *file.digest);
    ++result.files;
    result.bytes += file.size;
    tree.dirs[file.dir].listing.files.push_back(
        {file.name(), *file.digest, file.size, executable_of(file.mode)});
  }
}

bool is_empty(const DirectoryListing& listing) {
  return listing.files.empty() && listing.directories.empty() && listing.symlinks.empty();
}

/// From the last directory to the first, so that each comes after those in it.
Result<BlobRef> add_directories(WalkedTree& tree, BlobBatch& batch) {
  for (std::size_t i = tree.dirs.size();; --i) {
    WalkedDir& dir = tree.dirs[i - 1];
    std::ranges::reverse(dir.listing.directories);
    const bool root = i == 1;
    if (!root && dir.optional && is_empty(dir.listing)) continue;
    const BlobRef blob = TRY(batch.add_bytes(dir.listing.encode(), Executable::kNo));
    if (root) return blob;
    tree.dirs[dir.parent].listing.directories.push_back({dir.name, blob.digest, blob.size});
    dir.listing = {};
  }
}

}  // namespace

Result<TreeSize> survey_tree(const TreeOptions& options, int dir_fd) {
  const WalkedTree tree = TRY(TreeWalker(options, nullptr, nullptr, nullptr).run(dir_fd));
  return measure(tree, options);
}

Result<TreeRef> import_tree(const BlobFiles& files, const TreeOptions& options, StatCache* cache,
                            int dir_fd, WalkWitness* witness) {
  std::atomic<std::uint64_t> bytes = 0;
  std::vector<std::unique_ptr<FileIntake>> intakes;
  intakes.push_back(std::make_unique<FileIntake>(files, options, bytes));
  WalkedTree tree = TRY(TreeWalker(options, cache, intakes[0].get(), witness).run(dir_fd));
  if (options.source_files == SourceFiles::kTaken) TRY(measure(tree, options));
  while (intakes.size() < threads_for(tree.files.size()))
    intakes.push_back(std::make_unique<FileIntake>(files, options, bytes));
  TRY(ParallelIntake(intakes, options.source_files, dir_fd, tree).run());
  TreeRef result;
  fill_listings(tree, cache, result);
  const BlobRef root = TRY(add_directories(tree, intakes[0]->batch()));
  result.root = root.digest;
  result.size = root.size;
  // The one with the directories last, when what they name is there.
  for (const auto& intake : std::views::reverse(intakes)) TRY(intake->batch().commit());
  return result;
}

}  // namespace stagebox::store
