// Fuzzes the reader of summaries, which stages write: whatever it is given, what it says is what a
// decoder takes, and the same when it comes back.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/markdown/markdown_parser.h"
#include "runtime/markdown/markup_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace markdown = stagebox::markdown;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const markdown::Document document = markdown::read_markdown(bytes);
  const auto decoded = markdown::decode_document(markdown::encode_document(document));
  if (!decoded.ok() || !(*decoded == document)) std::abort();
  return 0;
}
