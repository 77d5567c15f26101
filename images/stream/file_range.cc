#include "images/stream/file_range.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace stagebox::images {

base::Result<std::size_t> read_range(const FileRange& range, std::uint64_t at,
                                     std::span<std::byte> into) {
  const std::uint64_t left = at < range.size ? range.size - at : 0;
  into = into.first(std::min<std::uint64_t>(left, into.size()));
  std::size_t done = 0;
  while (done < into.size()) {
    const auto offset = static_cast<off_t>(range.offset + at + done);
    const ssize_t count =
        ::pread(range.file->get(), into.data() + done, into.size() - done, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error("read");
    if (count == 0) return base::invalid("the file is truncated");
    done += static_cast<std::size_t>(count);
  }
  return done;
}

base::Result<std::string> read_whole_range(const FileRange& range, std::uint64_t limit) {
  if (range.size > limit) {
    return base::invalid("it has " + std::to_string(range.size) + " bytes; the limit is " +
                         std::to_string(limit));
  }
  std::string content(range.size, '\0');
  TRY(read_range(range, 0, std::as_writable_bytes(std::span(content))));
  return content;
}

base::Result<std::span<const std::byte>> RangeStream::next() {
  const std::span<std::byte> piece = ring_.next();
  const std::size_t count = TRY(read_range(range_, position_, piece));
  position_ += count;
  return piece.first(count);
}

}  // namespace stagebox::images
