// FileRange: a piece of an open file: a member of a tar archive, or a whole file of a layout
// directory. Read with pread(2) and not through a mapping, because a file that somebody truncates
// under a mapping kills the process with SIGBUS.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "images/stream/byte_stream.h"
#include "images/stream/piece_ring.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

struct FileRange {
  std::shared_ptr<const base::UniqueFd> file;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// Fills `into` from `at` bytes behind the range's start; fewer bytes only at the range's end.
/// kInvalid when the file ends before the range does.
base::Result<std::size_t> read_range(const FileRange& range, std::uint64_t at,
                                     std::span<std::byte> into);
/// The whole range; kInvalid when it is larger than `limit`.
base::Result<std::string> read_whole_range(const FileRange& range, std::uint64_t limit);

class RangeStream final : public ByteStream {
 public:
  /// 256 KiB: large enough for few system calls, small enough to stay in the second-level cache.
  static constexpr std::size_t kPieceBytes = 256UL << 10;

  /// The last `kept` pieces before the newest stay valid.
  explicit RangeStream(FileRange range, std::size_t kept = 0)
      : range_(std::move(range)), ring_(kept, kPieceBytes) {}
  base::Result<std::span<const std::byte>> next() override;

 private:
  FileRange range_;
  PieceRing ring_;
  std::uint64_t position_ = 0;
};

}  // namespace stagebox::images
