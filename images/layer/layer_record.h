// LayerRecord: how a layer's tar archive is put together again from the files that were unpacked
// from it, byte for byte. It is a list of pieces in the order of the archive: bytes that are in no
// file (headers, padding, content that was not stored) as they are, and for what is in a file its
// path, place, length and CRC-64. So a layer is verified against its diff id, and exported, without
// a second copy of it. The same idea as the "tar-split" of other engines.
//
// Encoding of one piece, numbers as little-endian base 128 ("varint"):
//   'R' length bytes...                                          in no file
//   'F' path-length path file-offset length crc (8 bytes, LE)    in a file, beneath the layer's
//   root 'E' total-length                                             the end; nothing follows
// LayerRecorder writes it, LayerTar reads it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "images/base/limits.h"
#include "images/stream/byte_stream.h"
#include "runtime/base/result.h"

namespace stagebox::images {

/// Names in a layer's directory of the store.
constexpr const char* kLayerRecordName = "record.zst";

struct RecordPiece {
  enum class Kind { kRaw, kFile, kEnd };
  Kind kind = Kind::kEnd;
  std::string raw;                ///< kRaw.
  std::string path;               ///< kFile: relative, without links.
  std::uint64_t file_offset = 0;  ///< kFile.
  std::uint64_t length = 0;       ///< kFile: of the piece. kEnd: of the whole archive.
  std::uint64_t crc = 0;          ///< kFile: CRC-64 (ECMA-182, reflected) of the piece.

  bool operator==(const RecordPiece&) const = default;
};

/// The CRC of two pieces, one after the other: pass the first one's as `before`.
std::uint64_t crc64(std::span<const std::byte> data, std::uint64_t before = 0);

std::string encode_piece(const RecordPiece& piece);

/// Decodes a record that comes piece by piece. It is our own file, but it may be damaged.
class RecordDecoder {
 public:
  /// The longest run of bytes in one 'R'; LayerRecorder splits what is longer.
  static constexpr std::size_t kMaxRaw = 1UL << 20U;

  /// `stream` must outlive the decoder.
  explicit RecordDecoder(ByteStream& stream) : stream_(stream) {}
  /// kCorrupt for anything that is not as encode_piece writes it, an early end included. Nothing
  /// may be asked for after kEnd.
  base::Result<RecordPiece> next();

 private:
  base::Result<std::uint8_t> byte();
  base::Result<std::uint64_t> number();
  base::Result<std::string> bytes(std::uint64_t count);

  ByteStream& stream_;
  std::span<const std::byte> piece_;
};

}  // namespace stagebox::images
