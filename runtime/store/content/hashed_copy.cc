#include "runtime/store/content/hashed_copy.h"

#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <limits>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "runtime/base/files.h"

namespace stagebox::store {
namespace {

using base::Result;

// Large enough that the threads seldom wait for each other, small enough that what is hashed is
// still in a processor's cache.
constexpr std::size_t kStep = std::size_t{1} << 20U;

/// How far the copy is; both threads use it.
class Progress {
 public:
  void advance(std::uint64_t copied) {
    const std::lock_guard guard(mutex_);
    copied_ = copied;
    changed_.notify_one();
  }
  void end(Result<void> result) {
    const std::lock_guard guard(mutex_);
    result_ = std::move(result);
    ended_ = true;
    changed_.notify_one();
  }
  void stop() {
    const std::lock_guard guard(mutex_);
    stopped_ = true;
  }
  [[nodiscard]] bool is_stopped() {
    const std::lock_guard guard(mutex_);
    return stopped_;
  }
  /// Waits until there is more than `hashed`. The same again: there will be no more.
  Result<std::uint64_t> more_than(std::uint64_t hashed) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return ended_ || copied_ > hashed; });
    TRY(result_);
    return copied_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t copied_ = 0;
  Result<void> result_;
  bool ended_ = false;
  bool stopped_ = false;
};

// A piece of data, and how far it goes; both are the end of the file when there is none any more. A
// file system that knows of no holes has one piece.
struct Extent {
  off_t begin = 0;
  off_t end = 0;
};

Result<Extent> next_extent(int file, off_t offset) {
  const off_t begin = ::lseek(file, offset, SEEK_DATA);
  if (begin < 0 && errno == ENXIO) {
    const off_t end = std::max(offset, TRY(base::stat_fd(file)).st_size);
    return Extent{end, end};
  }
  const off_t end = begin < 0 ? -1 : ::lseek(file, begin, SEEK_HOLE);
  if (end < 0) return Extent{offset, std::numeric_limits<off_t>::max()};
  return Extent{begin, end};
}

// What is a hole stays one: it takes no room, and whoever made it had none to pay for.
Result<void> skip_hole(int to, off_t end) {
  if (::ftruncate(to, end) != 0 || ::lseek(to, end, SEEK_SET) != end)
    return base::errno_error("copy a file into the store");
  return {};
}

Result<void> copy(int from, int to, const CopyBounds& bounds, Progress& progress) {
  off_t offset = 0;
  while (!progress.is_stopped()) {
    const Extent extent = TRY(next_extent(from, offset));
    if (extent.begin > offset) {
      offset = extent.begin;
      TRY(bounds.check(static_cast<std::uint64_t>(offset)));
      TRY(skip_hole(to, offset));
      progress.advance(static_cast<std::uint64_t>(offset));
    }
    if (extent.begin == extent.end) return {};
    while (offset < extent.end && !progress.is_stopped()) {
      const auto wanted = std::min<off_t>(extent.end - offset, off_t{kStep});
      const ssize_t count = ::sendfile(to, from, &offset, static_cast<std::size_t>(wanted));
      if (count == 0) return {};
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return base::errno_error("copy a file into the store");
      const auto copied = static_cast<std::uint64_t>(offset);
      TRY(bounds.check(copied));
      progress.advance(copied);
    }
  }
  return {};
}

Result<CopyResult> hash_behind(int file, const CopyBounds& bounds, Progress& progress) {
  base::Sha256 hasher;
  std::vector<char> buffer(kCopyChunk);
  std::uint64_t hashed = 0;
  for (;;) {
    const std::uint64_t copied = TRY(progress.more_than(hashed));
    if (copied == hashed) return CopyResult{hasher.finish(), hashed};
    while (hashed < copied) {
      TRY(check_not_stopped(bounds.stop));
      const auto wanted = std::min<std::uint64_t>(buffer.size(), copied - hashed);
      const ssize_t count = ::pread(file, buffer.data(), wanted, static_cast<off_t>(hashed));
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return base::errno_error("read a file of the store");
      if (count == 0) return base::corrupt("a file of the store became shorter");
      hasher.update(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
      hashed += static_cast<std::uint64_t>(count);
    }
  }
}

}  // namespace

Result<CopyResult> copy_and_hash(int from, int to, const CopyBounds& bounds) {
  Progress progress;
  std::jthread copier;
  const auto work = [&] { progress.end(copy(from, to, bounds, progress)); };
  try {
    copier = std::jthread(work);
  } catch (const std::system_error&) {
    work();  // one after the other, then
  }
  auto hashed = hash_behind(to, bounds, progress);
  progress.stop();
  return hashed;
}

}  // namespace stagebox::store
