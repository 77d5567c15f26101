#include "images/stream/spool.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "images/stream/file_range.h"
#include "runtime/base/files.h"

namespace stagebox::images {

DescriptorStream::DescriptorStream(int fd, const std::stop_token& stop)
    : fd_(fd),
      stopped_(::eventfd(0, EFD_CLOEXEC)),
      on_stop_(stop,
               [this] {
                 const std::uint64_t one = 1;
                 (void)!::write(stopped_.get(), &one, sizeof(one));
               }),
      buffer_(RangeStream::kPieceBytes) {}

base::Result<void> DescriptorStream::wait() const {
  std::array<struct pollfd, 2> polled{{{fd_, POLLIN, 0}, {stopped_.get(), POLLIN, 0}}};
  while (::poll(polled.data(), polled.size(), -1) < 0) {
    if (errno != EINTR) return base::errno_error("wait for more bytes");
  }
  if (polled[1].revents != 0) return base::cancelled("the import was interrupted");
  return {};
}

base::Result<std::span<const std::byte>> DescriptorStream::next() {
  for (;;) {
    TRY(wait());
    const ssize_t count = ::read(fd_, buffer_.data(), buffer_.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return base::errno_error("read");
    return std::span<const std::byte>(buffer_).first(static_cast<std::size_t>(count));
  }
}

base::Result<std::span<const std::byte>> WatchedStream::next() {
  if (watch_.stop.stop_requested()) return base::cancelled("the import was interrupted");
  const auto piece = TRY(upstream_.next());
  if (watch_.progress != nullptr) watch_.progress->bytes_read += piece.size();
  return piece;
}

base::Result<base::UniqueFd> unnamed_file(int dir_fd) {
  return base::open_beneath(dir_fd, ".", O_RDWR | O_TMPFILE, base::Links::kRefuse, 0600);
}

base::Result<base::UniqueFd> spool(ByteStream& stream, int dir_fd, const Limits& limits) {
  base::UniqueFd file = TRY(unnamed_file(dir_fd));
  std::uint64_t bytes = 0;
  for (;;) {
    const auto piece = TRY(stream.next());
    if (piece.empty()) return file;
    bytes += piece.size();
    if (bytes > limits.expanded_bytes) {
      return base::invalid("it has more than " + std::to_string(limits.expanded_bytes) +
                           " bytes, the limit for one import");
    }
    TRY(base::write_all(file.get(), piece));
  }
}

}  // namespace stagebox::images
