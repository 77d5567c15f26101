// TarWriter: a tar archive (ustar) of files and directories that is the same for the same ones: no
// times, no owners, no names of this machine. For exported images.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::images {

class TarWriter {
 public:
  /// `fd` is open for writing and must outlive the writer.
  explicit TarWriter(int fd) : fd_(fd) {}

  /// A member whose content comes with append(), exactly `size` bytes, then end_member(). `name`
  /// has at most 100 bytes.
  base::Result<void> begin_member(const std::string& name, std::uint64_t size);
  base::Result<void> append(std::span<const std::byte> data);
  base::Result<void> end_member();
  base::Result<void> member(const std::string& name, std::string_view content);
  /// `name` ends with a slash. Readers that make missing ones themselves may want to give them to
  /// root, which only root can.
  base::Result<void> directory(const std::string& name);
  /// The end of the archive. Does not sync.
  base::Result<void> finish();

 private:
  base::Result<void> header(const std::string& name, char type, std::uint64_t size);

  int fd_;
  std::uint64_t size_ = 0;  ///< Of the member.
  std::uint64_t written_ = 0;
};

}  // namespace stagebox::images
