// Fuzzes the decoder of test results, which come from a process that read hostile files: what it
// takes is encoded as the very same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/test_reports/report_codec.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace reports = stagebox::test_reports;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto decoded = reports::decode_reports(bytes);
  if (decoded.ok() && reports::encode_reports(*decoded) != bytes) std::abort();
  return 0;
}
