// LayerTar: the tar archive of a stored layer, put together again from its LayerRecord and its
// files. What does not have its checksum any more is noted by name and passed on as it is, so that
// one pass finds every file; whether the whole is right, its SHA-256 says (the layer's diff id).
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "images/byte_stream.h"
#include "images/file_range.h"
#include "images/layer_record.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

struct LayerDamage {
  std::string path;  ///< Beneath the layer's root; "": the record itself.
  std::string what;  ///< "its content has changed"
};

class LayerTar final : public ByteStream {
 public:
  /// `layer_fd` is the layer's directory in the store. kNotFound when it has no record.
  static base::Result<std::unique_ptr<LayerTar>> open(int layer_fd);

  base::Result<std::span<const std::byte>> next() override;
  /// So far, each file once.
  [[nodiscard]] const std::vector<LayerDamage>& damages() const { return damages_; }

 private:
  LayerTar(FileRange record, base::UniqueFd root);

  base::Result<void> begin_piece();
  base::Result<void> open_file();
  base::Result<std::span<const std::byte>> file_bytes();
  void note(const std::string& what);

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
  std::vector<LayerDamage> damages_;
};

}  // namespace stagebox::images
