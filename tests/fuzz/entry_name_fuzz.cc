// Fuzzes the names of a layer's entries: what is accepted is a normal path beneath the root, within
// the limits, that means the same when it is read again; and a whiteout hides exactly one name.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "images/tar/entry_name.h"

namespace {

using namespace stagebox;
using namespace stagebox::images;

void require(bool condition) {
  if (!condition) std::abort();
}

void check_path(const base::RelativePath& path, const Limits& limits) {
  if (path.is_self()) return;
  const auto parts = path.components();
  require(!parts.empty() && parts.size() <= limits.path_depth);
  for (const std::string& part : parts) {
    require(!part.empty() && part != "." && part != "..");
    require(part.find('/') == std::string::npos && part.find('\0') == std::string::npos);
  }
  const auto again = base::RelativePath::parse(path.str());
  require(again.ok() && again->str() == path.str());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view name(reinterpret_cast<const char*>(data), size);
  const Limits limits;
  const auto target = parse_link_target(name, limits);
  if (target.ok()) check_path(*target, limits);
  const auto entry = parse_entry_name(name, limits);
  if (!entry.ok()) return 0;
  check_path(entry->path, limits);
  const bool is_mark = name.find(".wh.") != std::string_view::npos;
  require(entry->kind == EntryName::Kind::kPlain || is_mark);
  if (entry->kind == EntryName::Kind::kWhiteout) require(!entry->path.is_self());
  if (entry->kind == EntryName::Kind::kPlain && !entry->path.is_self()) {
    require(!entry->path.name().starts_with(".wh."));
  }
  return 0;
}
