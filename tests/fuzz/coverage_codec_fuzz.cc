// Fuzzes the decoder of coverage, which comes from a process that read hostile files: what it takes
// is encoded as the very same bytes, and counts no more than there is.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/coverage/coverage_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace coverage = stagebox::coverage;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto decoded = coverage::decode_coverage(bytes);
  if (!decoded.ok()) return 0;
  if (coverage::encode_coverage(*decoded) != bytes) std::abort();
  const coverage::Counts counts = coverage::count(decoded->files);
  if (counts.lines_covered > counts.lines || counts.branches_covered > counts.branches)
    std::abort();
  if (coverage::unite(decoded->files) != decoded->files) std::abort();
  return 0;
}
