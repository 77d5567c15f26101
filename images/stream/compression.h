// Compression: how a layer is stored, told by its media type and by its first bytes, and the
// streams that undo it. isa-l (gzip) and libzstd are wrapped here and nowhere else; no program is
// ever started for it.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "images/stream/byte_stream.h"
#include "runtime/base/result.h"

namespace stagebox::images {

enum class Compression { kNone, kGzip, kZstd };

std::string_view name_of(Compression compression);

/// From a layer's media type (OCI, Docker, and BuildKit's non-standard zstd one). kInvalid for
/// media types that are no layer or one we cannot read; says which.
base::Result<Compression> compression_of_media_type(std::string_view media_type);
/// From the first bytes of the data (8 are enough). nullopt: compressed in a way that no image
/// layer may be (xz, bzip2, lz4).
std::optional<Compression> compression_of_magic(std::span<const std::byte> first);

/// Both give pieces of PieceRing::kPieceBytes, of which the last `kept` before the newest stay
/// valid. Inflates one or more gzip members that follow one another (eStargz has thousands) and
/// checks the CRC and the length of each. Zero bytes behind the last one are allowed, as in
/// gzip(1).
std::unique_ptr<ByteStream> make_gzip_stream(ByteStream& upstream, std::size_t kept = 0);
/// Inflates one or more zstd frames; skippable frames (zstd:chunked) are passed over.
std::unique_ptr<ByteStream> make_zstd_stream(ByteStream& upstream, std::size_t kept = 0);

}  // namespace stagebox::images
