#include "runtime/run/disk_sync.h"

#include <system_error>
#include <utility>

namespace stagebox::run {

using base::Result;

DiskSync::DiskSync(std::function<Result<void>()> sync) : sync_(std::move(sync)) {}

DiskSync::~DiskSync() { stop(); }

void DiskSync::note() {
  const std::lock_guard guard(mutex_);
  if (pending_ || stopping_) return;
  pending_ = used_ = true;
  changed_.notify_all();
  if (thread_.joinable()) return;
  // Only when there is something: a run that finds everything in the cache stores nothing.
  try {
    thread_ = std::thread([this] { watch(); });
    // NOLINTNEXTLINE(bugprone-empty-catch): then finish() does it all
  } catch (const std::system_error&) {
  }
}

void DiskSync::watch() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    changed_.wait(lock, [this] { return pending_ || stopping_; });
    // More will come meanwhile, and waiting for the disk once does for all of it.
    changed_.wait_for(lock, kDelay, [this] { return stopping_; });
    if (stopping_) return;
    pending_ = false;
    lock.unlock();
    auto synced = sync_();
    lock.lock();
    if (!synced.ok()) pending_ = true;
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
