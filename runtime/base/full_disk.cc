#include "runtime/base/full_disk.h"

#include <sys/statvfs.h>

#include <cerrno>
#include <cstdint>

namespace stagebox::base {
namespace {

// Whoever wrote the last bytes may have got no further than to the next large block.
constexpr std::uint64_t kNextToNothing = std::uint64_t{512} << 10U;
constexpr std::uint64_t kFewFiles = 16;

}  // namespace

std::string with_remedy(const Error& error) {
  const bool is_full = error.errno_value == ENOSPC || error.errno_value == EDQUOT;
  if (!is_full || error.message.find("stagebox gc") != std::string::npos) return error.message;
  return error.message +
         "; if the state directory is on this disk, \"stagebox gc\" frees what nothing needs any "
         "more, or set STAGEBOX_HOME to a directory with more room";
}

bool is_disk_full(int fd) {
  struct statvfs status{};
  if (::fstatvfs(fd, &status) != 0 || status.f_blocks == 0) return false;
  if (status.f_files != 0 && status.f_favail < kFewFiles) return true;
  return static_cast<std::uint64_t>(status.f_bavail) * status.f_frsize < kNextToNothing;
}

}  // namespace stagebox::base
