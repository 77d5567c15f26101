#include "runtime/store/lock_file.h"

#include <fcntl.h>

#include <cerrno>
#include <span>
#include <string>

namespace stagebox::store {
namespace {

using base::Digest;
using base::Result;
using base::UniqueFd;

// l_start is signed.
struct flock byte_of(const Digest& digest) {
  std::uint64_t place = 0;
  for (const std::uint8_t part : std::span(digest.bytes()).first<sizeof place>())
    place = place << 8U | part;
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = static_cast<off_t>(place >> 2U);
  lock.l_len = 1;
  return lock;
}

}  // namespace

Result<LockFile> LockFile::open(int home_fd, const char* name) {
  UniqueFd file(::openat(home_fd, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  const std::string quoted = "\"" + std::string(name) + "\"";
  if (!file && (errno == EISDIR || errno == ELOOP))
    return base::corrupt(quoted + " in the state directory is no file: move it away");
  if (!file) return base::errno_error("open the lock file " + quoted + " of the state directory");
  return LockFile(std::move(file));
}

LockFile::Answer LockFile::take(const Digest& digest) const {
  struct flock lock = byte_of(digest);
  while (::fcntl(file_.get(), F_OFD_SETLK, &lock) != 0) {
    if (errno == EAGAIN || errno == EACCES) return Answer::kAnothers;
    if (errno != EINTR) return Answer::kImpossible;
  }
  return Answer::kTaken;
}

}  // namespace stagebox::store
