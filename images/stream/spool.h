// Spool: bytes that cannot be read at will, such as a pipe's, as a file that can. The file has no
// name, so nothing of it is left whatever becomes of us.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <vector>

#include "images/base/import_progress.h"
#include "images/base/limits.h"
#include "images/stream/byte_stream.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

/// What comes out of a descriptor, such as a pipe, whose other end may keep us waiting: kCancelled
/// when `stop` is requested meanwhile. The descriptor must outlive it.
class DescriptorStream final : public ByteStream {
 public:
  DescriptorStream(int fd, const std::stop_token& stop);
  base::Result<std::span<const std::byte>> next() override;

 private:
  base::Result<void> wait() const;

  int fd_;
  base::UniqueFd stopped_;  ///< An eventfd.
  std::stop_callback<std::function<void()>> on_stop_;
  std::vector<std::byte> buffer_;
};

/// Who waits for bytes that are read: how to stop it, and where to count them (null: nowhere).
struct ReadWatch {
  std::stop_token stop;
  ImportProgress* progress = nullptr;
};

/// Passes another stream on for whoever waits: kCancelled when that is wanted, and counted.
class WatchedStream final : public ByteStream {
 public:
  /// Both must outlive the stream.
  WatchedStream(ByteStream& upstream, const ReadWatch& watch)
      : upstream_(upstream), watch_(watch) {}
  base::Result<std::span<const std::byte>> next() override;

 private:
  ByteStream& upstream_;
  const ReadWatch& watch_;
};

/// An empty file without a name on the file system of `dir_fd`, open for reading and writing.
base::Result<base::UniqueFd> unnamed_file(int dir_fd);
/// All of the stream, of at most `limits.expanded_bytes`, in such a file.
base::Result<base::UniqueFd> spool(ByteStream& stream, int dir_fd, const Limits& limits);

}  // namespace stagebox::images
