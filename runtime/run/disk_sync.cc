#include "runtime/run/disk_sync.h"

#include <algorithm>
#include <system_error>
#include <utility>

namespace stagebox::run {

using base::Result;

DiskSync::DiskSync(std::function<Result<void>()> sync, std::chrono::steady_clock::duration delay)
    : sync_(std::move(sync)), delay_(delay) {}

DiskSync::~DiskSync() { stop(); }

void DiskSync::note(std::chrono::milliseconds work) {
  const std::lock_guard guard(mutex_);
  if (stopping_) return;
  work_ += work;
  if (pending_ && work_ < kMuchWork) return;
  used_ = true;
  if (!pending_) begin_waiting();
  changed_.notify_all();
  if (thread_.joinable()) return;
  // Only when there is something: a run that finds everything in the cache stores nothing.
  try {
    thread_ = std::thread([this] { watch(); });
    // NOLINTNEXTLINE(bugprone-empty-catch): then finish() does it all
  } catch (const std::system_error&) {
  }
}

void DiskSync::begin_waiting() {
  pending_ = true;
  due_ = Clock::now() + delay_;
}

void DiskSync::watch() {
  Clock::time_point pause_ends = Clock::now();
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait(lock, [this] { return pending_ || stopping_; });
    // More will come meanwhile, and waiting for the disk once does for all of it.
    changed_.wait_until(lock, due_, [this] { return work_ >= kMuchWork || stopping_; });
    changed_.wait_until(lock, std::min(pause_ends, due_), [this] { return stopping_; });
    if (stopping_) return;
    pending_ = false;
    work_ = {};
    lock.unlock();
    const Clock::time_point began = Clock::now();
    auto synced = sync_();
    const Clock::time_point ended = Clock::now();
    pause_ends = ended + kPause * (ended - began);
    lock.lock();
    if (!synced.ok() && !pending_) begin_waiting();
  }
}

void DiskSync::stop() {
  {
    const std::lock_guard guard(mutex_);
    stopping_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
}

Result<void> DiskSync::finish() {
  stop();
  if (!pending_) return {};
  auto synced = sync_();
  pending_ = !synced.ok();
  return synced;
}

}  // namespace stagebox::run
