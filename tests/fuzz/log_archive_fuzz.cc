// Fuzzes compressed logs: whatever the table and the frames say, reading stays within what they
// promised, and the same offset gives the same bytes.
#include <sys/mman.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "runtime/base/files.h"
#include "runtime/logs/log_archive.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::uint64_t kEnough = std::uint64_t{16} << 20;
  stagebox::base::UniqueFd file(::memfd_create("log", MFD_CLOEXEC));
  require(stagebox::base::write_all(file.get(), std::as_bytes(std::span(data, size))).ok());
  const auto source = stagebox::logs::open_source(std::move(file), "log");
  if (!source.ok()) return 0;
  std::array<std::byte, 4096> some{};
  std::array<std::byte, 4096> again{};
  for (std::uint64_t offset = 0; offset < kEnough;) {
    const auto got = (*source)->read(some, offset);
    if (!got.ok() || *got == 0) break;
    require(*got <= some.size());
    const auto same = (*source)->read(std::span(again).first(*got), offset);
    require(same.ok() && *same == *got && again[*got - 1] == some[*got - 1]);
    offset += *got;
  }
  return 0;
}
