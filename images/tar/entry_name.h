// EntryName: what the name of a layer's entry means: a path of the image, or one of the marks that
// hide something of the layers below (OCI image-spec, layer.md, "Whiteouts"). Pure; by letters
// only.
#pragma once

#include <string>
#include <string_view>

#include "images/base/limits.h"
#include "runtime/base/relative_path.h"
#include "runtime/base/result.h"

namespace stagebox::images {

struct EntryName {
  enum class Kind {
    kPlain,
    kWhiteout,  ///< `path` of the layers below is gone.
    kOpaque,    ///< Everything that the layers below have in the directory `path` is gone.
    kIgnored,   ///< Bookkeeping of aufs (".wh..wh.plnk" and the like).
  };
  Kind kind = Kind::kPlain;
  base::RelativePath path;
};

/// Leading slashes are stripped. kInvalid for "..", NUL, names and depths over the limits, and
/// whiteouts that could mean something else than one name (".wh.", ".wh...", ".wh.a/b").
base::Result<EntryName> parse_entry_name(std::string_view name, const Limits& limits);
/// The same for the target of a hard link, which is always plain.
base::Result<base::RelativePath> parse_link_target(std::string_view name, const Limits& limits);

}  // namespace stagebox::images
