#include "images/layer/layer_record.h"

#include <isa-l/crc64.h>

#include <algorithm>

#include "runtime/base/relative_path.h"

namespace stagebox::images {
namespace {

constexpr std::size_t kCrcBytes = 8;

base::Error damaged() { return base::corrupt("the record of the layer's archive is damaged"); }

void put_number(std::string& text, std::uint64_t value) {
  while (value >= 0x80U) {
    text += static_cast<char>((value & 0x7fU) | 0x80U);
    value >>= 7U;
  }
  text += static_cast<char>(value);
}

std::uint64_t little_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes.size(); i > 0; --i) {
    value = value << 8U | static_cast<unsigned char>(bytes[i - 1]);
  }
  return value;
}

}  // namespace

std::uint64_t crc64(std::span<const std::byte> data, std::uint64_t before) {
  return ::crc64_ecma_refl(before, reinterpret_cast<const unsigned char*>(data.data()),
                           data.size());
}

std::string encode_piece(const RecordPiece& piece) {
  std::string text;
  switch (piece.kind) {
    case RecordPiece::Kind::kRaw:
      text = 'R';
      put_number(text, piece.raw.size());
      return text + piece.raw;
    case RecordPiece::Kind::kFile:
      text = 'F';
      put_number(text, piece.path.size());
      text += piece.path;
      put_number(text, piece.file_offset);
      put_number(text, piece.length);
      for (std::size_t i = 0; i < kCrcBytes; ++i) {
        text += static_cast<char>(piece.crc >> (8 * i) & 0xffU);
      }
      return text;
    case RecordPiece::Kind::kEnd:
      break;
  }
  text = 'E';
  put_number(text, piece.length);
  return text;
}

base::Result<std::uint8_t> RecordDecoder::byte() {
  if (piece_.empty()) piece_ = TRY(stream_.next());
  if (piece_.empty()) return damaged();
  const auto value = static_cast<std::uint8_t>(piece_.front());
  piece_ = piece_.subspan(1);
  return value;
}

base::Result<std::uint64_t> RecordDecoder::number() {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64; shift += 7) {
    const std::uint64_t part = TRY(byte());
    if (shift == 63 && part > 1) break;
    value |= (part & 0x7fU) << shift;
    if ((part & 0x80U) == 0) return value;
  }
  return damaged();
}

base::Result<std::string> RecordDecoder::bytes(std::uint64_t count) {
  std::string text;
  while (text.size() < count) {
    if (piece_.empty()) piece_ = TRY(stream_.next());
    if (piece_.empty()) return damaged();
    const std::size_t part = std::min<std::uint64_t>(count - text.size(), piece_.size());
    text.append(reinterpret_cast<const char*>(piece_.data()), part);
    piece_ = piece_.subspan(part);
  }
  return text;
}

base::Result<RecordPiece> RecordDecoder::next() {
  RecordPiece piece;
  const std::uint8_t kind = TRY(byte());
  if (kind == 'E') {
    piece.length = TRY(number());
    return piece;
  }
  if (kind != 'R' && kind != 'F') return damaged();
  const std::uint64_t count = TRY(number());
  if (count > (kind == 'R' ? kMaxRaw : base::RelativePath::kMaxBytes)) return damaged();
  std::string text = TRY(bytes(count));
  if (kind == 'R') {
    piece.kind = RecordPiece::Kind::kRaw;
    piece.raw = std::move(text);
    return piece;
  }
  piece.kind = RecordPiece::Kind::kFile;
  piece.path = std::move(text);
  piece.file_offset = TRY(number());
  piece.length = TRY(number());
  const std::string crc = TRY(bytes(kCrcBytes));
  piece.crc = little_endian(crc);
  return piece;
}

}  // namespace stagebox::images
