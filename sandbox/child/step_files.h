// What the steps that build the file system share.
#pragma once

#include <linux/openat2.h>

#include <cstdint>

namespace stagebox::sandbox::child {

/// How every path that an image could influence is resolved.
inline constexpr std::uint64_t kBeneathWithoutLinks =
    RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

/// A detached mount of a fresh file system, or -errno. `options` are "key=value,..."; `attributes`
/// MOUNT_ATTR_*.
int new_filesystem(const char* type, const char* options, unsigned attributes);

}  // namespace stagebox::sandbox::child
