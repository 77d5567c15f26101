// Spool: bytes that cannot be read at will (a pipe, a compressed archive) as a file that can. The
// file has no name, so nothing of it is left whatever becomes of us.
#pragma once

#include <cstdint>
#include <stop_token>
#include <vector>

#include "images/byte_stream.h"
#include "images/limits.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

/// What comes out of a descriptor, such as a pipe. The descriptor must outlive it.
class DescriptorStream final : public ByteStream {
 public:
  explicit DescriptorStream(int fd);
  base::Result<std::span<const std::byte>> next() override;

 private:
  int fd_;
  std::vector<std::byte> buffer_;
};

/// Inflates gzip and zstd as the first bytes say, passes other bytes on, and holds the result to
/// the limits of unpacked bytes and of their ratio. kInvalid for xz, bzip2 and lz4.
class InflatedStream final : public ByteStream {
 public:
  /// Both must outlive the stream.
  InflatedStream(ByteStream& stored, const Limits& limits);
  ~InflatedStream() override;
  base::Result<std::span<const std::byte>> next() override;

 private:
  class Counted;
  base::Result<void> begin();

  const Limits& limits_;
  std::unique_ptr<Counted> stored_;
  std::unique_ptr<ByteStream> inflater_;
  bool begun_ = false;
  std::uint64_t bytes_ = 0;
};

/// All of the stream in an unnamed file on the file system of `dir_fd`, open for reading.
base::Result<base::UniqueFd> spool(ByteStream& stream, int dir_fd, const std::stop_token& stop);

}  // namespace stagebox::images
