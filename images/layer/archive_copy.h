// ArchiveCopy: passes a layer's tar archive on and writes it to a file on the way. What somebody
// says of the archive ("these bytes are at that offset") can be asked of it.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "images/stream/byte_stream.h"
#include "runtime/base/result.h"

namespace stagebox::images {

class ArchiveCopy final : public ByteStream {
 public:
  /// `archive` and `fd`, which is empty and open for reading and writing, must outlive the copy.
  ArchiveCopy(ByteStream& archive, int fd) : archive_(archive), fd_(fd) {}

  base::Result<std::span<const std::byte>> next() override;
  /// Reads and writes what is left.
  base::Result<void> finish();
  /// Whether the archive, as far as it was read, has `bytes` at `offset`.
  [[nodiscard]] base::Result<bool> has(std::uint64_t offset, std::span<const std::byte> bytes);

 private:
  ByteStream& archive_;
  int fd_;
  std::span<const std::byte> piece_;  ///< What next() gave last.
  std::uint64_t start_ = 0;           ///< Of it, in the archive.
  std::vector<std::byte> compared_;
};

}  // namespace stagebox::images
