#include "scheduler/change_teller.h"

#include <algorithm>
#include <span>
#include <utility>

#include "runtime/base/start_thread.h"

namespace stagebox::scheduler {

ChangeTeller::~ChangeTeller() { finish(); }

base::Result<void> ChangeTeller::start() {
  thread_ =
      TRY(base::start_thread("create a thread to keep a run's records with", [this] { tell(); }));
  return {};
}

void ChangeTeller::add(std::size_t index, StageOutcome outcome) {
  const std::scoped_lock lock(mutex_);
  // Else it has been woken, and waits for more.
  if (untold_.empty()) changed_.notify_one();
  untold_.push_back({&plan_.stages()[index], std::move(outcome), std::chrono::system_clock::now()});
}

void ChangeTeller::finish() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    finishing_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void ChangeTeller::tell() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return !untold_.empty() || finishing_; });
    if (untold_.empty()) return;
    changed_.wait_for(lock, kMoment, [this] { return finishing_; });
    const std::vector<StageChange> changes = std::exchange(untold_, {});
    lock.unlock();
    tell(changes);
    lock.lock();
  }
}

void ChangeTeller::tell(const std::vector<StageChange>& changes) {
  std::span<const StageChange> left(changes);
  while (!left.empty()) {
    const auto together = left.first(std::min(left.size(), kMostTogether));
    left = left.subspan(together.size());
    observer_.on_changes(together);
  }
}

}  // namespace stagebox::scheduler
