#include "images/layer/layer_reader.h"

#include <array>

namespace stagebox::images {
namespace {

base::Error wrong_digest(const char* what, const base::Digest& expected,
                         const base::Digest& found) {
  return base::invalid(std::string("damaged or tampered with: ") + what + " should be " +
                       expected.oci() + " but is " + found.oci());
}

}  // namespace

base::Result<Compression> compression_of(const LayerSource& source) {
  std::array<std::byte, 8> first{};
  const std::size_t count = TRY(read_range(source.range, 0, first));
  const auto found = compression_of_magic(std::span(first).first(count));
  if (!found)
    return base::invalid(
        "it is compressed with xz, bzip2 or lz4; only gzip and zstd are allowed in images");
  const Compression claimed = source.compression.value_or(*found);
  // An uncompressed layer that is empty, or that begins like something else, is the tar reader's
  // business; what must not differ is what we would inflate.
  if (claimed != *found && count > 0) {
    return base::invalid("its media type says " + std::string(name_of(claimed)) +
                         ", but its first bytes say " + std::string(name_of(*found)));
  }
  return claimed;
}

base::Result<void> check_digests(const LayerSource& claimed, const LayerDigests& found) {
  if (claimed.blob_digest && found.blob != *claimed.blob_digest) {
    return wrong_digest("the blob", *claimed.blob_digest, found.blob).with_context(claimed.label);
  }
  if (found.diff_id != claimed.diff_id) {
    return base::invalid("its content (diff id) should be " + claimed.diff_id.oci() + " but is " +
                         found.diff_id.oci() + ": the image's config belongs to another layer")
        .with_context(claimed.label);
  }
  return {};
}

LayerReader::Source::Source(const FileRange& range, Compression compression, Budget& budget)
    : budget_(budget),
      file_(range, compression == Compression::kNone ? ThreadedStream::kKept : 0),
      stored_(file_) {
  if (compression == Compression::kGzip) {
    inflater_ = make_gzip_stream(stored_, ThreadedStream::kKept);
  }
  if (compression == Compression::kZstd) {
    inflater_ = make_zstd_stream(stored_, ThreadedStream::kKept);
  }
}

base::Result<std::span<const std::byte>> LayerReader::Source::next() {
  const auto piece = TRY(inflater_ ? inflater_->next() : stored_.next());
  expanded_bytes_ += piece.size();
  TRY(budget_.charge_expanded(piece.size()));
  TRY(check_ratio());
  return piece;
}

base::Result<void> LayerReader::Source::check_ratio() const {
  const Limits& limits = budget_.limits();
  if (!inflater_ || expanded_bytes_ <= limits.ratio_free_bytes) return {};
  if (expanded_bytes_ / limits.ratio <= stored_.bytes()) return {};
  return base::invalid("it expands to more than " + std::to_string(limits.ratio) +
                       " times its size: this looks like a decompression bomb");
}

base::Result<std::unique_ptr<LayerReader>> LayerReader::open(LayerSource source, Budget& budget) {
  const auto compression = compression_of(source);
  if (!compression.ok()) return compression.error().with_context(source.label);
  std::unique_ptr<LayerReader> reader(new LayerReader(std::move(source), *compression, budget));
  reader->ahead_ = TRY(ThreadedStream::start(reader->source_));
  return reader;
}

base::Result<std::span<const std::byte>> LayerReader::next() {
  auto piece = ahead_->next();
  if (!piece.ok()) return piece.error().with_context(claimed_.label);
  if (source_.is_compressed()) expanded_.update(*piece);
  tar_bytes_ += piece->size();
  return piece;
}

base::Result<LayerDigests> LayerReader::finish() {
  bool at_end = false;
  while (!at_end) {
    const auto piece = TRY(next());
    at_end = piece.empty();
  }
  LayerDigests found;
  found.blob = source_.finish();
  found.diff_id = source_.is_compressed() ? expanded_.finish() : found.blob;
  found.tar_bytes = tar_bytes_;
  return found;
}

}  // namespace stagebox::images
