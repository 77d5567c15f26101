// EntryStamp: what lstat(2) says of a file, link or directory, as far as a change shows in it: of
// its content, its mode, or, for a directory, the names in it.
#pragma once

#include <sys/stat.h>

#include <algorithm>
#include <cstdint>

namespace stagebox::store {

struct EntryStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t size = 0;
  std::uint64_t mode = 0;
  std::int64_t mtime_ns = 0;
  std::int64_t ctime_ns = 0;

  static EntryStamp of(const struct stat& status) {
    constexpr std::int64_t kNanoseconds = 1'000'000'000;
    return {.device = status.st_dev,
            .inode = status.st_ino,
            .size = static_cast<std::uint64_t>(status.st_size),
            .mode = status.st_mode,
            .mtime_ns = status.st_mtim.tv_sec * kNanoseconds + status.st_mtim.tv_nsec,
            .ctime_ns = status.st_ctim.tv_sec * kNanoseconds + status.st_ctim.tv_nsec};
  }
  /// Whether the last change was before `time` (ns since the epoch), so that one at `time` plus a
  /// tick of the clock or later gives another stamp ("racy clean" in git's index).
  [[nodiscard]] bool is_older_than(std::int64_t time) const {
    return std::max(mtime_ns, ctime_ns) < time;
  }
  bool operator==(const EntryStamp&) const = default;
};

}  // namespace stagebox::store
