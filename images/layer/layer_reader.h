// LayerReader: from the stored bytes of one layer to the bytes of its tar archive and their
// digests, in one pass and bounded memory. A thread of its own reads, hashes and inflates the
// stored bytes some pieces ahead; whoever reads here hashes what is inflated. It knows nothing of
// tar entries; LayerApplier knows nothing of digests.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "images/base/limits.h"
#include "images/stream/byte_stream.h"
#include "images/stream/compression.h"
#include "images/stream/file_range.h"
#include "images/stream/threaded_stream.h"
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

/// What was found.
struct LayerDigests {
  base::Digest blob;
  base::Digest diff_id;
  std::uint64_t tar_bytes = 0;
};

/// How the layer is compressed; kInvalid when its first bytes do not agree with what is claimed.
base::Result<Compression> compression_of(const LayerSource& source);
/// kInvalid names the digest that is wrong.
base::Result<void> check_digests(const LayerSource& claimed, const LayerDigests& found);

class LayerReader final : public ByteStream {
 public:
  /// kInvalid when the first bytes do not agree with the claimed compression. `budget` must outlive
  /// the reader.
  static base::Result<std::unique_ptr<LayerReader>> open(LayerSource source, Budget& budget);

  /// The tar archive; unverified.
  base::Result<std::span<const std::byte>> next() override;
  /// Reads what is left: bytes behind the end of the tar archive count too. Only once, at the end.
  base::Result<LayerDigests> finish();
  /// Bytes of the layer as it is stored that were read so far; from any thread.
  [[nodiscard]] std::uint64_t stored_bytes() const { return source_.stored_bytes(); }

 private:
  /// The stored bytes, hashed and inflated, within the limits; the thread's part.
  class Source final : public ByteStream {
   public:
    Source(const FileRange& range, Compression compression, Budget& budget);
    base::Result<std::span<const std::byte>> next() override;
    base::Digest finish() { return stored_.finish(); }
    [[nodiscard]] std::uint64_t stored_bytes() const { return stored_.bytes(); }
    [[nodiscard]] bool is_compressed() const { return inflater_ != nullptr; }

   private:
    [[nodiscard]] base::Result<void> check_ratio() const;

    Budget& budget_;
    RangeStream file_;
    HashedStream stored_;
    std::unique_ptr<ByteStream> inflater_;
    std::uint64_t expanded_bytes_ = 0;
  };

  LayerReader(LayerSource source, Compression compression, Budget& budget)
      : claimed_(std::move(source)), source_(claimed_.range, compression, budget) {}

  LayerSource claimed_;
  Source source_;
  std::unique_ptr<ThreadedStream> ahead_;
  base::Sha256 expanded_;  ///< Not used when nothing is compressed: hash once.
  std::uint64_t tar_bytes_ = 0;
};

}  // namespace stagebox::images
