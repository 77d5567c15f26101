#include "images/layer_tar.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "images/compression.h"
#include "runtime/base/files.h"

namespace stagebox::images {

LayerTar::LayerTar(FileRange record, base::UniqueFd root)
    : stored_(std::move(record)),
      inflated_(make_zstd_stream(stored_)),
      decoder_(*inflated_),
      root_(std::move(root)),
      buffer_(RangeStream::kPieceBytes) {}

base::Result<std::unique_ptr<LayerTar>> LayerTar::open(int layer_fd) {
  auto record = base::open_beneath(layer_fd, kLayerRecordName, O_RDONLY, base::Links::kRefuse);
  if (!record.ok() && record.error().errno_value == ENOENT) {
    return base::not_found("the layer has no record of its archive");
  }
  if (!record.ok()) return record.error();
  const struct stat status = TRY(base::stat_fd(record->get()));
  base::UniqueFd root =
      TRY(base::open_beneath(layer_fd, "fs", O_PATH | O_DIRECTORY, base::Links::kRefuse));
  FileRange range{std::make_shared<const base::UniqueFd>(std::move(*record)), 0,
                  static_cast<std::uint64_t>(status.st_size)};
  return std::unique_ptr<LayerTar>(new LayerTar(std::move(range), std::move(root)));
}

base::Result<std::span<const std::byte>> LayerTar::next() {
  while (!at_end_) {
    if (piece_.kind == RecordPiece::Kind::kFile && done_ < piece_.length) return file_bytes();
    TRY(begin_piece());
    if (piece_.kind == RecordPiece::Kind::kRaw && !piece_.raw.empty()) {
      total_ += piece_.raw.size();
      return std::as_bytes(std::span(piece_.raw));
    }
  }
  return std::span<const std::byte>();
}

base::Result<void> LayerTar::begin_piece() {
  auto piece = decoder_.next();
  if (!piece.ok()) return base::corrupt("the record of the layer's archive is damaged");
  piece_ = std::move(*piece);
  done_ = 0;
  crc_ = 0;
  if (piece_.kind == RecordPiece::Kind::kFile) return open_file();
  at_end_ = piece_.kind == RecordPiece::Kind::kEnd;
  if (at_end_ && piece_.length != total_) {
    return base::corrupt("the record of the layer's archive is not complete");
  }
  return {};
}

base::Result<void> LayerTar::open_file() {
  if (file_ && open_path_ == piece_.path) return {};
  open_path_ = piece_.path;
  // O_NONBLOCK: somebody may have put a fifo in its place.
  auto file = base::open_beneath(root_.get(), piece_.path, O_RDONLY | O_NONBLOCK | O_NOCTTY,
                                 base::Links::kRefuse);
  file_.reset();
  if (!file.ok()) {
    const int error = file.error().errno_value;
    const bool is_gone = error == ENOENT || error == ENOTDIR || error == ELOOP;
    if (!is_gone && error != EACCES && error != ENXIO) return file.error();
    note(is_gone ? "it is missing" : "it cannot be read");
    return {};
  }
  const struct stat status = TRY(base::stat_fd(file->get()));
  if (!S_ISREG(status.st_mode)) {
    note("it is not a file any more");
    return {};
  }
  file_ = std::move(*file);
  return {};
}

// What a file does not have is replaced by zeros: the archive keeps its length.
base::Result<std::span<const std::byte>> LayerTar::file_bytes() {
  const auto part =
      std::span(buffer_).first(std::min<std::uint64_t>(piece_.length - done_, buffer_.size()));
  std::size_t filled = 0;
  while (file_ && filled < part.size()) {
    const ssize_t count = ::pread(file_.get(), part.data() + filled, part.size() - filled,
                                  static_cast<off_t>(piece_.file_offset + done_ + filled));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) note("it cannot be read: " + base::errno_text(errno));
    if (count <= 0) break;
    filled += static_cast<std::size_t>(count);
  }
  std::ranges::fill(part.subspan(filled), std::byte{0});
  done_ += part.size();
  total_ += part.size();
  crc_ = crc64(part, crc_);
  if (done_ == piece_.length && crc_ != piece_.crc) note("its content has changed");
  return std::span<const std::byte>(part);
}

void LayerTar::note(const std::string& what) {
  if (!damages_.empty() && damages_.back().path == piece_.path) return;
  damages_.push_back({piece_.path, what});
}

}  // namespace stagebox::images
