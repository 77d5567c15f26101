#include "runtime/store/content/file_adoption.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#include "runtime/base/disk_use.h"

namespace stagebox::store {
namespace {

/// What file systems may round a file's room up to. More was reserved by somebody (fallocate(2)),
/// and would fill the store's disk without being counted.
constexpr std::uint64_t kRounding = std::uint64_t{64} << 10U;

bool is_plain(const BlobFiles& files, const struct stat& status) {
  const auto room = base::bytes_on_disk(status);
  return S_ISREG(status.st_mode) && status.st_nlink == 1 && status.st_dev == files.device() &&
         room <= static_cast<std::uint64_t>(status.st_size) + kRounding;
}

bool has_extended_attributes(int fd) {
  const ssize_t size = ::flistxattr(fd, nullptr, 0);
  return size > 0 || (size < 0 && errno != ENOTSUP);
}

// A read lease is only given while nobody has the file open for writing, which covers mappings and
// descriptors on their way through a socket (fcntl(2), "Leases"); it ends with the descriptor.
// Whoever opens it for writing while we hold it would make the kernel send us a signal, SIGIO
// unless another is named; SIGURG is ignored unless a program says otherwise.
bool is_open_for_writing(int fd) {
  return ::fcntl(fd, F_SETSIG, SIGURG) != 0 || ::fcntl(fd, F_SETLEASE, F_RDLCK) != 0;
}

}  // namespace

bool seal_for_adoption(const BlobFiles& files, int fd, const struct stat& status,
                       Executable executable) {
  if (!is_plain(files, status) || has_extended_attributes(fd)) return false;
  // Sealed first: after that nobody can open it for writing, so that the lease tells for good.
  return files.seal_foreign_file(fd, executable).ok() && !is_open_for_writing(fd);
}

}  // namespace stagebox::store
