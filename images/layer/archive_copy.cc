#include "images/layer/archive_copy.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "runtime/base/files.h"

namespace stagebox::images {

base::Result<std::span<const std::byte>> ArchiveCopy::next() {
  start_ += piece_.size();
  piece_ = {};
  piece_ = TRY(archive_.next());
  TRY(base::write_all(fd_, piece_));
  return piece_;
}

base::Result<void> ArchiveCopy::finish() {
  for (bool at_end = false; !at_end;) {
    const auto piece = TRY(next());
    at_end = piece.empty();
  }
  return {};
}

// Mostly they lie in the piece that we passed on. If not, the tar reader has copied them, because
// they lie in two.
base::Result<bool> ArchiveCopy::has(std::uint64_t offset, std::span<const std::byte> bytes) {
  if (offset >= start_ && offset + bytes.size() <= start_ + piece_.size() &&
      piece_.data() + (offset - start_) == bytes.data()) {
    return true;
  }
  if (offset + bytes.size() > start_ + piece_.size()) return false;
  compared_.resize(std::max(compared_.size(), bytes.size()));
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::pread(fd_, compared_.data() + done, bytes.size() - done,
                                  static_cast<off_t>(offset + done));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error("read what was written");
    if (count == 0) return false;
    done += static_cast<std::size_t>(count);
  }
  return std::ranges::equal(std::span(compared_).first(bytes.size()), bytes);
}

}  // namespace stagebox::images
