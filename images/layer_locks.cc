#include "images/layer_locks.h"

#include <fcntl.h>

#include <cerrno>
#include <condition_variable>
#include <mutex>

#include "runtime/base/digest.h"
#include "runtime/base/files.h"

namespace stagebox::images {
namespace {

constexpr const char* kFileName = "layers.lock";
// A lock can be waited for or the wait be interrupted, not both; so it is tried again and again.
constexpr std::chrono::milliseconds kBetween{10};

// Two keys with one byte would only wait for each other needlessly.
struct flock byte_of(const std::string& key, short type) {
  off_t offset = 0;
  const auto hash = base::Sha256::of(key).bytes();
  for (std::size_t i = 0; i < sizeof(offset) - 1; ++i) offset = offset << 8 | hash.at(i);
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = offset;
  lock.l_len = 1;
  return lock;
}

void pause_unless(const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any stopped;
  std::unique_lock lock(mutex);
  stopped.wait_for(lock, stop, kBetween, [] { return false; });
}

}  // namespace

base::Result<LayerLocks> LayerLocks::open(const StoreDirs& dirs) {
  return LayerLocks(TRY(base::open_beneath(dirs.root.get(), kFileName, O_RDWR | O_CREAT,
                                           base::Links::kRefuse, 0600)));
}

base::Result<bool> LayerLocks::try_lock(const std::string& key) {
  const struct flock lock = byte_of(key, F_WRLCK);
  if (::fcntl(file_.get(), F_OFD_SETLK, &lock) == 0) return true;
  if (errno == EAGAIN || errno == EACCES || errno == EINTR) return false;
  return base::errno_error("lock a layer of the image store");
}

base::Result<void> LayerLocks::lock(const std::string& key, const std::stop_token& stop,
                                    const std::function<void()>& on_wait) {
  for (bool waits = false;; waits = true) {
    const bool locked = TRY(try_lock(key));
    if (locked) return {};
    if (!waits) on_wait();
    pause_unless(stop);
    if (stop.stop_requested()) return base::cancelled("the import was interrupted");
  }
}

base::Result<void> LayerLocks::unlock(const std::string& key) {
  const struct flock lock = byte_of(key, F_UNLCK);
  if (::fcntl(file_.get(), F_OFD_SETLK, &lock) == 0) return {};
  return base::errno_error("unlock a layer of the image store");
}

}  // namespace stagebox::images
