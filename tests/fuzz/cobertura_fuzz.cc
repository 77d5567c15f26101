// Fuzzes the reader of Cobertura reports: whatever the document is.
#include <cstddef>
#include <cstdint>

#include "runtime/coverage/cobertura_parser.h"
#include "tests/fuzz/coverage_fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  namespace coverage = stagebox::coverage;
  coverage::check_reader(coverage::read_cobertura, data, size);
  return 0;
}
