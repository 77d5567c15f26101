// Fuzzes the index of an outer archive: what it finds lies inside of the file, and links lead to
// members or nowhere.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

#include "images/tar/tar_index.h"
#include "runtime/base/files.h"

namespace {

using namespace stagebox;
using namespace stagebox::images;

void require(bool condition) {
  if (!condition) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  base::UniqueFd file(::memfd_create("fuzz", MFD_CLOEXEC));
  require(base::write_all(file.get(), std::as_bytes(std::span(data, size))).ok());
  const FileRange whole{std::make_shared<const base::UniqueFd>(std::move(file)), 0, size};
  Limits limits;
  limits.archive_members = 1000;
  const auto index = TarIndex::read(whole, limits);
  if (!index.ok()) return 0;
  for (const char* name : {"oci-layout", "index.json", "manifest.json", "a", "a/layer.tar", "b"}) {
    const auto found = index->find(name);
    if (!found.ok() || !*found) continue;
    require((*found)->offset <= size && (*found)->size <= size - (*found)->offset);
  }
  return 0;
}
