// Fuzzes the reader of JUnit reports: whatever the document is.
#include <cstddef>
#include <cstdint>

#include "runtime/test_reports/junit_parser.h"
#include "tests/fuzz/report_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace reports = stagebox::test_reports;
  reports::check_reader(reports::parse_junit, data, size);
  return 0;
}
