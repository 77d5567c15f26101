// Fuzzes the decoder of summaries, which come from a process that read hostile files: what it takes
// is encoded as the very same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/markdown/markup_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace markdown = stagebox::markdown;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto decoded = markdown::decode_document(bytes);
  if (decoded.ok() && markdown::encode_document(*decoded) != bytes) std::abort();
  return 0;
}
