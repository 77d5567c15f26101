#include "runtime/store/key_turn.h"

#include <fcntl.h>

#include <cerrno>
#include <cstdint>
#include <span>
#include <utility>

namespace stagebox::store {
namespace {

using base::Digest;
using base::Result;
using base::UniqueFd;

constexpr const char* kTurns = "turns";

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

Result<KeyTurn::Answer> KeyTurn::ask(int home_fd, const Digest& key) {
  UniqueFd file(::openat(home_fd, kTurns, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file && (errno == EISDIR || errno == ELOOP))
    return base::corrupt("\"turns\" in the state directory is no file: move it away");
  if (!file) return base::errno_error("open the lock file \"turns\" of the state directory");
  Answer answer;
  const Lock lock = try_lock(file.get(), key);
  answer.is_anothers = lock == Lock::kAnothers;
  if (lock == Lock::kTaken) answer.turn = KeyTurn(std::move(file));
  return answer;
}

}  // namespace stagebox::store
