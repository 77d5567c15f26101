#include "runtime/store/key_turn.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <span>
#include <utility>

#include "runtime/base/wait_ready.h"

namespace stagebox::store {
namespace {

using base::Digest;
using base::Result;
using base::UniqueFd;
using std::chrono::milliseconds;

constexpr const char* kTurns = "turns";
constexpr milliseconds kFirstPause{10};
constexpr milliseconds kLongestPause{100};
/// From here on somebody may wonder why nothing happens.
constexpr milliseconds kAWhile{200};

// l_start is signed.
struct flock byte_of(const Digest& key) {
  std::uint64_t place = 0;
  for (const std::uint8_t part : std::span(key.bytes()).first<sizeof place>())
    place = place << 8U | part;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(place >> 2U);
  lock.l_len = 1;
  return lock;
}

enum class Lock : std::uint8_t { kTaken, kAnothers, kImpossible };

Lock try_lock(int fd, const Digest& key) {
  struct flock lock = byte_of(key);
  while (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return Lock::kAnothers;
    if (errno != EINTR) return Lock::kImpossible;
  }
  return Lock::kTaken;
}

}  // namespace

Result<KeyTurn::Taken> KeyTurn::wait(int home_fd, const Digest& key, int cancel_fd,
                                     milliseconds longest, const std::function<void()>& on_wait) {
  UniqueFd file(::openat(home_fd, kTurns, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file && (errno == EISDIR || errno == ELOOP))
    return base::corrupt("\"turns\" in the state directory is no file: move it away");
  if (!file) return base::errno_error("open the lock file \"turns\" of the state directory");
  Taken taken;
  Lock lock = try_lock(file.get(), key);
  const auto begin = std::chrono::steady_clock::now();
  milliseconds pause = kFirstPause;
  bool told = false;
  while (lock == Lock::kAnothers) {
    taken.waited = true;
    const auto waited = std::chrono::steady_clock::now() - begin;
    if (waited >= longest) return taken;
    if (waited >= kAWhile && !std::exchange(told, true)) on_wait();
    if (base::wait_ready(cancel_fd, POLLIN, pause))
      return base::cancelled("cancelled while another one made the same");
    pause = std::min(pause * 2, kLongestPause);
    lock = try_lock(file.get(), key);
  }
  if (lock == Lock::kTaken) taken.turn = KeyTurn(std::move(file));
  return taken;
}

}  // namespace stagebox::store
