// The forms in which a secret is looked for: as it is, line by line, and as common encodings write
// it. Line breaks are left out of all of them, because who looks for them skips line breaks.
#pragma once

#include <string_view>
#include <vector>

#include "runtime/base/locked_memory.h"

namespace stagebox::run {

/// Nothing shorter is looked for: it would be found everywhere.
inline constexpr std::size_t kShortestPattern = 4;

/// Of `value`, without line breaks at its end, and of each of its lines that has so many letters
/// and digits: itself; in lower case; base64 and base64url at each of the three alignments, without
/// the characters that other bytes have a part in; hexadecimal in both cases, also with a space, a
/// colon or \x before each byte; escaped as secret_escapes.h says. Each is there once.
std::vector<base::LockedBytes> secret_patterns(std::string_view value);

}  // namespace stagebox::run
