#include "runtime/store/content/change_times.h"

#include <linux/magic.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <cstdint>

namespace stagebox::store {
namespace {

constexpr std::uint32_t kRomfs = 0x7275;     // linux/romfs_fs.h
constexpr std::uint32_t kFuse = 0x65735546;  // fs/fuse/inode.c; virtiofs has it, too
constexpr std::uint32_t kNtfs = 0x7366746e;  // fs/ntfs3
constexpr std::uint32_t kHfs = 0x4244;       // fs/hfs
constexpr std::array kWithoutChangeTimes{
    // Images that are only read.
    static_cast<std::uint32_t>(EROFS_SUPER_MAGIC_V1), static_cast<std::uint32_t>(SQUASHFS_MAGIC),
    static_cast<std::uint32_t>(ISOFS_SUPER_MAGIC), static_cast<std::uint32_t>(CRAMFS_MAGIC),
    static_cast<std::uint32_t>(CRAMFS_MAGIC_WEND), kRomfs,
    // Who keeps the files says what their times are, and seldom keeps one for changes.
    kFuse, static_cast<std::uint32_t>(V9FS_MAGIC), static_cast<std::uint32_t>(SMB_SUPER_MAGIC),
    static_cast<std::uint32_t>(SMB2_SUPER_MAGIC), static_cast<std::uint32_t>(CIFS_SUPER_MAGIC),
    static_cast<std::uint32_t>(NCP_SUPER_MAGIC), static_cast<std::uint32_t>(AFS_SUPER_MAGIC),
    // They have no such time on the disk.
    static_cast<std::uint32_t>(MSDOS_SUPER_MAGIC), static_cast<std::uint32_t>(EXFAT_SUPER_MAGIC),
    kNtfs, kHfs};

}  // namespace

bool has_change_times(int fd) {
  struct statfs status{};
  if (::fstatfs(fd, &status) != 0) return true;
  const auto type = static_cast<std::uint32_t>(status.f_type);
  return std::ranges::find(kWithoutChangeTimes, type) == kWithoutChangeTimes.end();
}

}  // namespace stagebox::store
