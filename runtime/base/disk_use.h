// What a file takes of its disk.
#pragma once

#include <sys/stat.h>

#include <cstdint>

namespace stagebox::base {

/// Bytes: st_blocks counts 512 of them, whatever the file system's own blocks are (stat(2)).
inline std::uint64_t bytes_on_disk(const struct stat& status) {
  constexpr std::uint64_t kStatBlock = 512;
  return static_cast<std::uint64_t>(status.st_blocks) * kStatBlock;
}

}  // namespace stagebox::base
