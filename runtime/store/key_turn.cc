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

enum class Byte : std::uint8_t { kTurn, kAwaited };

// Two bytes for each key; l_start is signed.
struct flock byte_lock(const Digest& key, Byte byte, short type) {
  std::uint64_t place = 0;
  for (const std::uint8_t part : std::span(key.bytes()).first<sizeof place>())
    place = place << 8U | part;
  constexpr std::uint64_t kPlaces = std::uint64_t{1} << 61U;
  struct flock lock{};
  lock.l_type = type;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(place % kPlaces * 2 + (byte == Byte::kAwaited ? 1 : 0));
  lock.l_len = 1;
  return lock;
}

enum class Taken : std::uint8_t { kYes, kByAnother, kCannotLock };

Taken set(int fd, const Digest& key, Byte byte, short type) {
  struct flock lock = byte_lock(key, byte, type);
  while (::fcntl(fd, F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return Taken::kByAnother;
    if (errno != EINTR) return Taken::kCannotLock;
  }
  return Taken::kYes;
}

}  // namespace

Result<KeyTurn> KeyTurn::wait(int home_fd, const Digest& key, int cancel_fd,
                              const std::function<void()>& on_wait) {
  UniqueFd file(::openat(home_fd, kTurns, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return base::errno_error("open the lock file \"turns\" of the state directory");
  if (set(file.get(), key, Byte::kTurn, F_WRLCK) != Taken::kByAnother)
    return KeyTurn(std::move(file), key);
  (void)set(file.get(), key, Byte::kAwaited, F_RDLCK);
  milliseconds waited{0};
  milliseconds pause = kFirstPause;
  bool told = false;
  do {
    if (base::wait_ready(cancel_fd, POLLIN, pause))
      return base::cancelled("cancelled while another one made the same");
    waited += pause;
    pause = std::min(pause * 2, kLongestPause);
    if (waited >= kAWhile && !std::exchange(told, true)) on_wait();
  } while (set(file.get(), key, Byte::kTurn, F_WRLCK) == Taken::kByAnother);
  (void)set(file.get(), key, Byte::kAwaited, F_UNLCK);
  return KeyTurn(std::move(file), key);
}

bool KeyTurn::is_awaited() const {
  struct flock lock = byte_lock(key_, Byte::kAwaited, F_WRLCK);
  return ::fcntl(file_.get(), F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
}

}  // namespace stagebox::store
