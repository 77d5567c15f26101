// Fuzzes DirectoryListing::decode(): what it accepts has valid, sorted names, none twice, and is
// encoded to bytes that decode to the same.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "runtime/store/content/directory_listing.h"

namespace {

using stagebox::store::DirectoryListing;

void require(bool condition) {
  if (!condition) std::abort();
}

template <typename Entries>
void check_names(const Entries& entries, std::set<std::string>& names) {
  const std::string* last = nullptr;
  for (const auto& entry : entries) {
    require(stagebox::store::check_entry_name(entry.name).ok());
    require(names.insert(entry.name).second);
    require(last == nullptr || *last < entry.name);
    last = &entry.name;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto listing = DirectoryListing::decode(bytes);
  if (!listing.ok()) {
    require(listing.error().kind == stagebox::base::ErrorKind::kCorrupt);
    return 0;
  }
  std::set<std::string> names;
  check_names(listing->files, names);
  check_names(listing->directories, names);
  check_names(listing->symlinks, names);
  const auto again = DirectoryListing::decode(listing->encode());
  require(again.ok() && *again == *listing);
  return 0;
}
