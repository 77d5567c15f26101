#include "images/stored_blob.h"

namespace stagebox::images {

base::Result<bool> is_verified_by_hash(const LayerSource& source, const LayerInfo& stored) {
  const auto compression = compression_of(source);
  if (!compression.ok()) return compression.error().with_context(source.label);
  if (*compression == Compression::kNone) return true;
  return source.blob_digest && stored.blob == source.blob_digest;
}

base::Result<void> verify_by_hash(const LayerSource& source, const std::stop_token& stop,
                                  const std::function<void(std::uint64_t bytes)>& on_read) {
  RangeStream file(source.range);
  HashedStream hashed(file);
  for (bool at_end = false; !at_end;) {
    if (stop.stop_requested()) return base::cancelled("the import was interrupted");
    const auto piece = hashed.next();
    if (!piece.ok()) return piece.error().with_context(source.label);
    at_end = piece->empty();
    if (on_read) on_read(hashed.bytes());
  }
  const auto compression = TRY(compression_of(source));
  LayerDigests found;
  found.blob = hashed.finish();
  // Of compressed bytes the blob's digest decides: it was unpacked to this diff id.
  found.diff_id = compression == Compression::kNone ? found.blob : source.diff_id;
  return check_digests(source, found);
}

}  // namespace stagebox::images
