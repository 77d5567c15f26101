// Fuzzes StageResult::decode(): what it accepts can be encoded, and decodes to the same; paths stay
// in the workspace.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/store/stage_result.h"

namespace {

using stagebox::store::StageResult;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto result = StageResult::decode(bytes);
  if (!result.ok()) {
    require(result.error().kind == stagebox::base::ErrorKind::kCorrupt);
    return 0;
  }
  for (const auto& output : result->outputs) require(!output.path.str().starts_with("/"));
  const auto encoded = result->encode();
  require(encoded.ok());
  const auto again = StageResult::decode(*encoded);
  require(again.ok() && *again == *result);
  return 0;
}
