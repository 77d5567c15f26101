// Fuzzes the reader of TAP streams: whatever the stream is, what it finds keeps within the
// limits, is text that can be shown, and survives being encoded.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "runtime/test_reports/report_codec.h"
#include "runtime/test_reports/tap_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace reports = stagebox::test_reports;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  const std::string_view document(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kLimit = 1000;
  const std::vector<reports::ParsedReport> found{reports::parse_tap(document, kLimit)};
  if (found.front().cases.size() > kLimit) std::abort();
  // decode_reports() checks every text.
  const auto decoded = reports::decode_reports(reports::encode_reports(found));
  if (!decoded.ok() || *decoded != found) std::abort();
  return 0;
}
