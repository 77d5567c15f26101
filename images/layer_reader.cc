#include "images/layer_reader.h"

#include <array>

namespace stagebox::images {
namespace {

base::Result<Compression> check_magic(const LayerSource& source) {
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

base::Error wrong_digest(const char* what, const base::Digest& expected,
                         const base::Digest& found) {
  return base::invalid(std::string("damaged or tampered with: ") + what + " should be " +
                       expected.oci() + " but is " + found.oci());
}

}  // namespace

LayerReader::LayerReader(LayerSource source, Compression compression, Budget& budget)
    : source_(std::move(source)),
      compression_(compression),
      budget_(budget),
      file_(source_.range),
      stored_(file_) {
  if (compression_ == Compression::kGzip) inflater_ = make_gzip_stream(stored_);
  if (compression_ == Compression::kZstd) inflater_ = make_zstd_stream(stored_);
  if (inflater_) expanded_ = std::make_unique<HashedStream>(*inflater_);
}

base::Result<std::unique_ptr<LayerReader>> LayerReader::open(LayerSource source, Budget& budget) {
  const auto compression = check_magic(source);
  if (!compression.ok()) return compression.error().with_context(source.label);
  return std::unique_ptr<LayerReader>(new LayerReader(std::move(source), *compression, budget));
}

base::Result<std::span<const std::byte>> LayerReader::next() {
  auto piece = expanded_ ? expanded_->next() : stored_.next();
  if (!piece.ok()) return piece.error().with_context(source_.label);
  auto allowed = budget_.charge_expanded(piece->size());
  if (allowed.ok()) allowed = check_ratio();
  if (!allowed.ok()) return allowed.error().with_context(source_.label);
  return piece;
}

base::Result<void> LayerReader::check_ratio() const {
  const Limits& limits = budget_.limits();
  if (!expanded_ || expanded_->bytes() <= limits.ratio_free_bytes) return {};
  if (expanded_->bytes() / limits.ratio <= stored_.bytes()) return {};
  return base::invalid("it expands to more than " + std::to_string(limits.ratio) +
                       " times its size: this looks like a decompression bomb");
}

base::Result<void> LayerReader::verify() {
  bool at_end = false;
  while (!at_end) {
    const auto piece = TRY(next());
    at_end = piece.empty();
  }
  const base::Digest stored = stored_.finish();
  if (source_.blob_digest && stored != *source_.blob_digest) {
    return wrong_digest("the blob", *source_.blob_digest, stored).with_context(source_.label);
  }
  const base::Digest diff_id = expanded_ ? expanded_->finish() : stored;
  if (diff_id != source_.diff_id) {
    return base::invalid("its content (diff id) should be " + source_.diff_id.oci() + " but is " +
                         diff_id.oci() + ": the image's config belongs to another layer")
        .with_context(source_.label);
  }
  return {};
}

}  // namespace stagebox::images
