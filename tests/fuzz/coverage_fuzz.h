// What the fuzz targets of the readers of coverage reports demand of what they find.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/coverage/coverage_builder.h"
#include "runtime/coverage/coverage_codec.h"

namespace stagebox::coverage {

/// Aborts unless what `read(document, builder)` finds survives being encoded, and is the same when
/// the document is read twice.
template <typename Read>
void check_reader(Read read, const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  const std::string_view document(reinterpret_cast<const char*>(data), size);
  CoverageBuilder once;
  const bool is_whole = read(document, once).ok();
  const ReadCoverage found{once.take(), {}};
  // decode_coverage() checks every limit, text and number.
  const auto decoded = decode_coverage(encode_coverage(found));
  if (!decoded.ok() || *decoded != found) std::abort();
  CoverageBuilder twice;
  for (int i = 0; i < 2; ++i) {
    if (read(document, twice).ok() != is_whole) std::abort();
  }
  if (twice.take() != found.files) std::abort();
}

}  // namespace stagebox::coverage
