#include "images/spool.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "images/compression.h"
#include "images/file_range.h"
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

/// Counts what passes, and can give its first piece twice: once to be looked at.
class InflatedStream::Counted final : public ByteStream {
 public:
  explicit Counted(ByteStream& upstream) : upstream_(upstream) {}

  /// At least 8 bytes, unless there are fewer.
  base::Result<std::span<const std::byte>> peek() {
    constexpr std::size_t kMagicBytes = 8;
    while (first_.size() < kMagicBytes) {
      const auto piece = TRY(upstream_.next());
      if (piece.empty()) break;
      first_.insert(first_.end(), piece.begin(), piece.end());
    }
    return std::span<const std::byte>(first_);
  }

  base::Result<std::span<const std::byte>> next() override {
    if (!gave_first_) {
      gave_first_ = true;
      bytes_ = first_.size();
      if (!first_.empty()) return std::span<const std::byte>(first_);
    }
    const auto piece = TRY(upstream_.next());
    bytes_ += piece.size();
    return piece;
  }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  ByteStream& upstream_;
  std::vector<std::byte> first_;
  bool gave_first_ = false;
  std::uint64_t bytes_ = 0;
};

InflatedStream::InflatedStream(ByteStream& stored, const Limits& limits)
    : limits_(limits), stored_(std::make_unique<Counted>(stored)) {}

InflatedStream::~InflatedStream() = default;

base::Result<void> InflatedStream::begin() {
  begun_ = true;
  const auto compression = compression_of_magic(TRY(stored_->peek()));
  if (!compression) {
    return base::invalid(
        "it is compressed with xz, bzip2 or lz4; decompress it first, or compress it with gzip or "
        "zstd");
  }
  if (*compression == Compression::kGzip) inflater_ = make_gzip_stream(*stored_);
  if (*compression == Compression::kZstd) inflater_ = make_zstd_stream(*stored_);
  return {};
}

base::Result<std::span<const std::byte>> InflatedStream::next() {
  if (!begun_) TRY(begin());
  const auto piece = TRY(inflater_ ? inflater_->next() : stored_->next());
  bytes_ += piece.size();
  if (bytes_ > limits_.expanded_bytes) {
    return base::invalid("it has more than " + std::to_string(limits_.expanded_bytes) +
                         " bytes, the limit for one import");
  }
  const bool is_large = inflater_ && bytes_ > limits_.ratio_free_bytes;
  if (is_large && bytes_ / limits_.ratio > stored_->bytes()) {
    return base::invalid("it expands to more than " + std::to_string(limits_.ratio) +
                         " times its size: this looks like a decompression bomb");
  }
  return piece;
}

base::Result<std::span<const std::byte>> WatchedStream::next() {
  if (watch_.stop.stop_requested()) return base::cancelled("the import was interrupted");
  const auto piece = TRY(upstream_.next());
  if (watch_.progress != nullptr) watch_.progress->bytes_read += piece.size();
  return piece;
}

base::Result<base::UniqueFd> spool(ByteStream& stream, int dir_fd) {
  base::UniqueFd file =
      TRY(base::open_beneath(dir_fd, ".", O_RDWR | O_TMPFILE, base::Links::kRefuse, 0600));
  for (;;) {
    const auto piece = TRY(stream.next());
    if (piece.empty()) return file;
    TRY(base::write_all(file.get(), piece));
  }
}

}  // namespace stagebox::images
