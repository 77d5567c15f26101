#include "runtime/store/content/hashed_copy.h"

#include <sys/sendfile.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

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

Result<void> copy(int from, int to, const CopyBounds& bounds, Progress& progress) {
  off_t offset = 0;
  while (!progress.is_stopped()) {
    const ssize_t count = ::sendfile(to, from, &offset, kStep);
    if (count == 0) return {};
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error("copy a file into the store");
    const auto copied = static_cast<std::uint64_t>(offset);
    TRY(bounds.check(copied));
    progress.advance(copied);
  }
  return {};
}

Result<CopyResult> hash_behind(int file, Progress& progress) {
  base::Sha256 hasher;
  std::vector<char> buffer(kCopyChunk);
  std::uint64_t hashed = 0;
  for (;;) {
    const std::uint64_t copied = TRY(progress.more_than(hashed));
    if (copied == hashed) return CopyResult{hasher.finish(), hashed};
    while (hashed < copied) {
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
  auto hashed = hash_behind(to, progress);
  progress.stop();
  return hashed;
}

}  // namespace stagebox::store
