// Where an entry of a layer belongs in the tree that the layer becomes, a LayerTree or an
// IndexTree.
#pragma once

#include <optional>
#include <utility>

#include "images/tar/entry_name.h"
#include "images/tar/tar_reader.h"
#include "runtime/base/relative_path.h"
#include "runtime/base/result.h"

namespace stagebox::images {

/// Its path. None when there is nothing to be put anywhere: the name was all that there is to it,
/// and what it hides is noted in `tree`. kInvalid as parse_entry_name(), and for a root that is no
/// directory.
template <typename Tree>
base::Result<std::optional<base::RelativePath>> place_entry(const TarEntry& entry,
                                                            const Limits& limits, Tree& tree) {
  using Place = std::optional<base::RelativePath>;
  EntryName name = TRY(parse_entry_name(entry.path, limits));
  switch (name.kind) {
    case EntryName::Kind::kWhiteout:
      TRY(tree.add_whiteout(name.path));
      return Place();
    case EntryName::Kind::kOpaque:
      TRY(tree.add_opaque(name.path));
      return Place();
    case EntryName::Kind::kIgnored:
      return Place();
    case EntryName::Kind::kPlain:
      break;
  }
  if (name.path.is_self() && entry.type != TarEntry::Type::kDirectory)
    return base::invalid("the root of the image can only be a directory");
  return Place(std::move(name.path));
}

}  // namespace stagebox::images
