#include "images/layer/layer_recorder.h"

#include <algorithm>

namespace stagebox::images {
namespace {

// A tar reader may look ahead by some headers, but not further.
constexpr std::size_t kMostHeld = 16UL << 20U;

std::span<const std::byte> bytes_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

base::Result<std::span<const std::byte>> LayerRecorder::next() {
  const std::uint64_t undecided = std::max(decided_, piece_start_);
  const auto rest = piece_.subspan(undecided - piece_start_);
  if (held_.size() + rest.size() > kMostHeld) {
    TRY(keep_until(end()));
  } else {
    held_.append(reinterpret_cast<const char*>(rest.data()), rest.size());
  }
  piece_start_ = end();
  piece_ = {};
  piece_ = TRY(tar_.next());
  return piece_;
}

// The bytes are ours: either they lie in the piece that we passed on, or the tar reader has copied
// them and they can be compared.
bool LayerRecorder::has(std::uint64_t offset, std::span<const std::byte> bytes) const {
  if (offset < decided_ || offset + bytes.size() > end()) return false;
  const std::uint64_t held_start = piece_start_ - held_.size();
  if (offset >= piece_start_ && piece_.data() + (offset - piece_start_) == bytes.data()) {
    return true;
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::uint64_t at = offset + i;
    const std::byte ours = at < piece_start_ ? static_cast<std::byte>(held_[at - held_start])
                                             : piece_[at - piece_start_];
    if (ours != bytes[i]) return false;
  }
  return true;
}

base::Result<void> LayerRecorder::stored(const std::string& path, std::uint64_t file_offset,
                                         std::uint64_t tar_offset,
                                         std::span<const std::byte> bytes) {
  if (lost_ || bytes.empty()) return {};
  if (!has(tar_offset, bytes)) {
    lost_ = true;
    return {};
  }
  const bool follows = tar_offset == decided_ && stored_.path == path &&
                       file_offset == stored_.file_offset + stored_.length;
  if (!follows) {
    TRY(keep_until(tar_offset));
    TRY(write_stored());
    stored_.kind = RecordPiece::Kind::kFile;
    stored_.path = path;
    stored_.file_offset = file_offset;
  }
  stored_.length += bytes.size();
  stored_.crc = crc64(bytes, stored_.crc);
  decided_ = tar_offset + bytes.size();
  if (decided_ >= piece_start_) {
    held_.clear();
  } else {
    held_.erase(0, held_.size() - (piece_start_ - decided_));
  }
  return {};
}

base::Result<void> LayerRecorder::write_stored() {
  if (stored_.length > 0) TRY(writer_.append(encode_piece(stored_)));
  stored_ = RecordPiece();
  return {};
}

base::Result<void> LayerRecorder::keep_until(std::uint64_t offset) {
  const std::uint64_t held_start = piece_start_ - held_.size();
  if (offset > held_start) {
    const std::size_t count = std::min<std::uint64_t>(offset - held_start, held_.size());
    TRY(keep(bytes_of(held_).first(count)));
    held_.erase(0, count);
  }
  const std::uint64_t from = std::max(decided_, piece_start_);
  if (offset > from) TRY(keep(piece_.subspan(from - piece_start_, offset - from)));
  decided_ = std::max(decided_, offset);
  return {};
}

base::Result<void> LayerRecorder::keep(std::span<const std::byte> bytes) {
  if (!bytes.empty()) TRY(write_stored());
  while (!bytes.empty()) {
    const auto part = bytes.first(std::min(bytes.size(), RecordDecoder::kMaxRaw));
    bytes = bytes.subspan(part.size());
    RecordPiece piece;
    piece.kind = RecordPiece::Kind::kRaw;
    piece.raw.assign(reinterpret_cast<const char*>(part.data()), part.size());
    TRY(writer_.append(encode_piece(piece)));
  }
  return {};
}

base::Result<void> LayerRecorder::finish() {
  for (bool at_end = false; !at_end;) {
    const auto piece = TRY(next());
    at_end = piece.empty();
    TRY(keep_until(end()));
  }
  TRY(write_stored());
  RecordPiece piece;
  piece.length = end();
  TRY(writer_.append(encode_piece(piece)));
  return writer_.finish();
}

base::Result<void> record_whole(ByteStream& tar, int record_fd) {
  return LayerRecorder(tar, record_fd).finish();
}

}  // namespace stagebox::images
