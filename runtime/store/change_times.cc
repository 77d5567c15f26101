#include "runtime/store/change_times.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace stagebox::store {
namespace {

constexpr std::uint32_t kRomfs = 0x7275;  // linux/romfs_fs.h
constexpr std::array<std::uint32_t, 6> kImages{EROFS_SUPER_MAGIC_V1, SQUASHFS_MAGIC,
                                               ISOFS_SUPER_MAGIC,    CRAMFS_MAGIC,
                                               CRAMFS_MAGIC_WEND,    kRomfs};

}  // namespace

bool has_change_times(int fd) {
  struct statfs status{};
  if (::fstatfs(fd, &status) != 0) return true;
  return std::ranges::find(kImages, static_cast<std::uint32_t>(status.f_type)) == kImages.end();
}

}  // namespace stagebox::store
