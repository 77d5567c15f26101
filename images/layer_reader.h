// LayerReader: from the stored bytes of one layer to the verified bytes of its tar archive, in one
// pass and bounded memory. It knows nothing of tar entries; LayerApplier knows nothing of digests.
// A thread with a queue can be put between the two, since all that passes is a ByteStream.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "images/byte_stream.h"
#include "images/compression.h"
#include "images/file_range.h"
#include "images/limits.h"
#include "runtime/base/digest.h"
#include "runtime/base/result.h"

namespace stagebox::images {

/// What is claimed about one layer.
struct LayerSource {
  std::string label;  ///< For messages: "layer 2 of 5 (blobs/sha256/...)".
  FileRange range;
  std::optional<base::Digest> blob_digest;  ///< Of the stored bytes; a docker-archive has none.
  std::optional<Compression> compression;   ///< From the media type; without one, the first bytes.
  base::Digest diff_id;
};

class LayerReader final : public ByteStream {
 public:
  /// kInvalid when the first bytes do not agree with the claimed compression. `budget` must outlive
  /// the reader.
  static base::Result<std::unique_ptr<LayerReader>> open(LayerSource source, Budget& budget);

  /// The tar archive; unverified until verify() has said so.
  base::Result<std::span<const std::byte>> next() override;
  /// Reads what is left (bytes behind the end of the tar archive count too) and compares the
  /// digests. kInvalid names the digest that is wrong.
  base::Result<void> verify();
  /// Bytes of the tar archive so far.
  [[nodiscard]] std::uint64_t tar_bytes() const { return tar().bytes(); }
  [[nodiscard]] const std::string& label() const { return source_.label; }

 private:
  LayerReader(LayerSource source, Compression compression, Budget& budget);
  [[nodiscard]] const HashedStream& tar() const { return expanded_ ? *expanded_ : stored_; }
  base::Result<void> check_ratio() const;

  LayerSource source_;
  Compression compression_;
  Budget& budget_;
  RangeStream file_;
  HashedStream stored_;
  std::unique_ptr<ByteStream> inflater_;
  std::unique_ptr<HashedStream> expanded_;  ///< None when nothing is compressed: hash once.
};

}  // namespace stagebox::images
