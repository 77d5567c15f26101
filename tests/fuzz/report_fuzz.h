// What the fuzz targets of the readers of test reports demand of what they find.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "runtime/test_reports/report_codec.h"

namespace stagebox::test_reports {

/// Aborts unless what `parse(document, limit)` finds keeps within the limit, is text that can be
/// shown, and survives being encoded.
template <typename Parse>
void check_reader(Parse parse, const std::uint8_t* data, std::size_t size) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bytes are bytes.
  const std::string_view document(reinterpret_cast<const char*>(data), size);
  constexpr std::size_t kLimit = 1000;
  const std::vector<ParsedReport> found{parse(document, kLimit)};
  if (found.front().cases.size() > kLimit) std::abort();
  // decode_reports() checks every text.
  const auto decoded = decode_reports(encode_reports(found));
  if (!decoded.ok() || *decoded != found) std::abort();
}

}  // namespace stagebox::test_reports
