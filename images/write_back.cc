#include "images/write_back.h"

#include <unistd.h>

#include <chrono>
#include <system_error>

namespace stagebox::images {
namespace {

// Often enough that the last pass is short, seldom enough that the journal is not committed for a
// handful of files each time.
constexpr std::chrono::milliseconds kBetween{150};

}  // namespace

WriteBack::WriteBack(int fd) : fd_(fd) {
  try {
    thread_ = std::thread([this] { run(); });
  } catch (const std::system_error&) {
    return;  // the sync at the end takes longer, that is all
  }
}

WriteBack::~WriteBack() {
  {
    const std::scoped_lock lock(mutex_);
    stopped_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void WriteBack::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kBetween, [this] { return stopped_; })) {
    lock.unlock();
    (void)::syncfs(fd_);  // errors are seen by the sync that counts
    lock.lock();
  }
}

}  // namespace stagebox::images
