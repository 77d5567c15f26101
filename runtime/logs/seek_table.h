// The table at the end of a file in zstd's seekable format: how large each of its frames is,
// compressed and not. Source: contrib/seekable_format/zstd_seekable_compression_format.md of zstd.
// Nothing here compresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/result.h"

namespace stagebox::logs {

struct SeekFrame {
  std::uint64_t at = 0;       ///< In the compressed file.
  std::uint32_t size = 0;     ///< There.
  std::uint64_t content = 0;  ///< Where its content begins in the uncompressed one.
  std::uint32_t length = 0;   ///< Of its content.
};

/// The most that one frame may hold, so that a reader needs no more memory than this.
inline constexpr std::uint32_t kMaxFrame = std::uint32_t{4} << 20;
/// And the most frames of a file: 1 TiB of ours.
inline constexpr std::uint32_t kMaxFrames = std::uint32_t{1} << 20;
/// The end of the table, from which its size follows.
inline constexpr std::size_t kSeekFooterBytes = 9;

/// `frames` without a gap, from the beginning of the file.
std::string encode_seek_table(std::span<const SeekFrame> frames);

/// How many bytes the whole table takes at the end of the file, by its last kSeekFooterBytes;
/// nothing when they are no such footer.
std::optional<std::uint64_t> seek_table_bytes(std::span<const std::byte, kSeekFooterBytes> footer);

/// kCorrupt when the table does not describe a file of `file_bytes` (of which it is the end), or
/// has a frame that is larger than kMaxFrame.
base::Result<std::vector<SeekFrame>> decode_seek_table(std::span<const std::byte> table,
                                                       std::uint64_t file_bytes);

}  // namespace stagebox::logs
