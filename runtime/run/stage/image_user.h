// Who a stage runs as: turns an image's USER, or what a pipeline says instead, into ids inside the
// sandbox, with the image's own passwd and group files. Those are untrusted: they are read beneath
// the layers' directories, without following links, and only when they are small regular files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/spec/sandbox_spec.h"

namespace stagebox::run {

struct ResolvedUser {
  sandbox::User ids;
  std::string home = "/";  ///< From passwd; "/" when the user has no entry.
};

/// `text` is "", "uid", "uid:gid", "name" or "name:group" (OCI image specification, config.md,
/// "User"); empty is root. `layers` are directories, top first. Ids must be below `id_count`:
/// kInvalid for a larger or malformed one and for a name that the image does not know; kUnsupported
/// when only the single id 0 can be had here.
base::Result<ResolvedUser> resolve_user(std::string_view text,
                                        const std::vector<base::UniqueFd>& layers,
                                        std::uint32_t id_count);

}  // namespace stagebox::run
