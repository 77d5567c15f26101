// Fuzzes decode_memo() behind its checksum, which a fuzzer would never get right: what is accepted
// is encoded to the same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "runtime/base/digest.h"
#include "runtime/run/memo/run_memo.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using stagebox::base::Digest;
  std::string bytes(reinterpret_cast<const char*>(data), size);
  (void)stagebox::run::decode_memo(bytes);
  const Digest digest = stagebox::base::Sha256::of(bytes);
  bytes.append(reinterpret_cast<const char*>(digest.bytes().data()), Digest::kBytes);
  const auto memo = stagebox::run::decode_memo(bytes);
  if (memo && stagebox::run::encode_memo(*memo) != bytes) std::abort();
  return 0;
}
