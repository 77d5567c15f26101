// LayerTar: the tar archive of a stored layer. What does not have its checksum any more is noted by
// name and passed on as it is, so that one pass finds every file; whether the whole is right, its
// SHA-256 says (the layer's diff id).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "images/layer/layer_record.h"
#include "images/stream/byte_stream.h"
#include "images/stream/file_range.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

struct LayerDamage {
  std::string path;  ///< Beneath the layer's root; "": the record itself.
  std::string what;  ///< "its content has changed"
};

class LayerTar : public ByteStream {
 public:
  /// `layer_fd` is the layer's directory in the store. kNotFound when it has no record.
  static base::Result<std::unique_ptr<LayerTar>> open(int layer_fd);

  /// So far, each file once.
  [[nodiscard]] const std::vector<LayerDamage>& damages() const { return damages_; }

 protected:
  void note(const std::string& path, const std::string& what);

 private:
  std::vector<LayerDamage> damages_;
};

/// Of a directory: put together again from its LayerRecord and its files.
class RecordedTar final : public LayerTar {
 public:
  RecordedTar(FileRange record, base::UniqueFd root);
  base::Result<std::span<const std::byte>> next() override;

 private:
  base::Result<void> begin_piece();
  base::Result<void> open_file();
  base::Result<std::span<const std::byte>> file_bytes();
  void note(const std::string& what) { LayerTar::note(piece_.path, what); }

  RangeStream stored_;
  std::unique_ptr<ByteStream> inflated_;
  RecordDecoder decoder_;
  base::UniqueFd root_;

  RecordPiece piece_;
  std::uint64_t done_ = 0;  ///< Of piece_, a kFile.
  std::uint64_t crc_ = 0;
  std::string open_path_;
  base::UniqueFd file_;
  std::vector<std::byte> buffer_;
  std::uint64_t total_ = 0;
  bool at_end_ = false;
};

/// Of an EROFS image: the archive is there as it was. Its record has a kFile for each part of a
/// file, in the order of the archive: `file_offset` is where the archive has it, and `crc` that of
/// all parts of the file.
class StoredTar final : public LayerTar {
 public:
  StoredTar(FileRange record, FileRange archive);
  base::Result<std::span<const std::byte>> next() override;

 private:
  base::Result<void> check(std::span<const std::byte> bytes);
  base::Result<void> next_part();
  base::Result<void> end_file();

  RangeStream stored_;
  std::unique_ptr<ByteStream> inflated_;
  RecordDecoder decoder_;
  FileRange archive_;
  std::vector<std::byte> buffer_;
  bool begun_ = false;
  std::uint64_t position_ = 0;  ///< In the archive.
  RecordPiece part_;            ///< The one that is passed, or comes next.
  std::uint64_t crc_ = 0;       ///< Of its file, so far.
};

}  // namespace stagebox::images
