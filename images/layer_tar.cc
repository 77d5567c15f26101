#include "images/layer_tar.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "images/archive/archive_source.h"
#include "images/layer/layer_form.h"
#include "images/layer_store.h"
#include "images/stream/compression.h"
#include "runtime/base/files.h"

namespace stagebox::images {

namespace {

base::Result<FileRange> open_whole(int layer_fd, const char* name) {
  base::UniqueFd file = TRY(base::open_beneath(layer_fd, name, O_RDONLY, base::Links::kRefuse));
  return whole_file(std::move(file));
}

bool is_missing(const base::Error& error) { return error.errno_value == ENOENT; }

}  // namespace

base::Result<std::unique_ptr<LayerTar>> LayerTar::open(int layer_fd) {
  auto record = open_whole(layer_fd, kLayerRecordName);
  if (!record.ok() && is_missing(record.error())) {
    return base::not_found("the layer has no record of its archive");
  }
  if (!record.ok()) return record.error();
  auto root = base::open_beneath(layer_fd, kLayerFiles, O_PATH | O_DIRECTORY, base::Links::kRefuse);
  if (root.ok()) {
    return std::unique_ptr<LayerTar>(new RecordedTar(std::move(*record), std::move(*root)));
  }
  if (!is_missing(root.error())) return root.error();
  const LayerInfo info = TRY(read_layer_info(layer_fd));
  auto archive = open_whole(layer_fd, kLayerArchive);
  if (!archive.ok() && is_missing(archive.error())) {
    return base::not_found("the layer's archive is missing");
  }
  if (!archive.ok()) return archive.error();
  // What follows fills its last block up.
  archive->size = std::min(archive->size, info.tar_bytes);
  return std::unique_ptr<LayerTar>(new StoredTar(std::move(*record), std::move(*archive)));
}

void LayerTar::note(const std::string& path, const std::string& what) {
  if (!damages_.empty() && damages_.back().path == path) return;
  damages_.push_back({path, what});
}

RecordedTar::RecordedTar(FileRange record, base::UniqueFd root)
    : stored_(std::move(record)),
      inflated_(make_zstd_stream(stored_)),
      decoder_(*inflated_),
      root_(std::move(root)),
      buffer_(RangeStream::kPieceBytes) {}

base::Result<std::span<const std::byte>> RecordedTar::next() {
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

base::Result<void> RecordedTar::begin_piece() {
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

base::Result<void> RecordedTar::open_file() {
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
base::Result<std::span<const std::byte>> RecordedTar::file_bytes() {
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

StoredTar::StoredTar(FileRange record, FileRange archive)
    : stored_(std::move(record)),
      inflated_(make_zstd_stream(stored_)),
      decoder_(*inflated_),
      archive_(std::move(archive)),
      buffer_(RangeStream::kPieceBytes) {}

base::Result<std::span<const std::byte>> StoredTar::next() {
  if (!begun_) TRY(next_part());
  begun_ = true;
  const std::size_t count = TRY(read_range(archive_, position_, buffer_));
  const auto bytes = std::span<const std::byte>(buffer_).first(count);
  TRY(check(bytes));
  position_ += count;
  if (count > 0) return bytes;
  // What it should have and does not.
  while (part_.kind == RecordPiece::Kind::kFile) {
    note(part_.path, "its content is missing");
    TRY(next_part());
  }
  return bytes;
}

base::Result<void> StoredTar::check(std::span<const std::byte> bytes) {
  const std::uint64_t end = position_ + bytes.size();
  for (std::uint64_t at = position_; part_.kind == RecordPiece::Kind::kFile;) {
    at = std::max(at, part_.file_offset);
    if (at >= end) return {};
    const std::uint64_t part_end = part_.file_offset + part_.length;
    const std::uint64_t until = std::min(end, part_end);
    if (until > at) crc_ = crc64(bytes.subspan(at - position_, until - at), crc_);
    if (part_end > end) return {};
    at = std::max(at, until);
    TRY(end_file());
  }
  return {};
}

// Of a file in several parts only the last one knows whether it was right.
base::Result<void> StoredTar::end_file() {
  const RecordPiece ended = part_;
  TRY(next_part());
  if (part_.kind == RecordPiece::Kind::kFile && part_.path == ended.path) return {};
  if (crc_ != ended.crc) note(ended.path, "its content has changed");
  crc_ = 0;
  return {};
}

base::Result<void> StoredTar::next_part() {
  auto part = decoder_.next();
  const bool is_right = part.ok() && part->kind != RecordPiece::Kind::kRaw &&
                        part->length <= ~0ULL - part->file_offset;
  if (!is_right) return base::corrupt("the record of the layer's archive is damaged");
  part_ = std::move(*part);
  return {};
}

}  // namespace stagebox::images
