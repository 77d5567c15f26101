// Text from outside (file names, link targets) that has to be checked or shown. Nothing here
// changes what is stored.
#pragma once

#include <string>
#include <string_view>

namespace stagebox::base {

/// True for well-formed UTF-8 (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
bool is_utf8(std::string_view text);

/// The text in double quotes for a message: control characters, quotes, backslashes and bytes that
/// are not UTF-8 become \xNN, so that a file name cannot drive the reader's terminal.
std::string printable(std::string_view text);

}  // namespace stagebox::base
