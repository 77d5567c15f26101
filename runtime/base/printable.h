// Text from outside (file names, link targets) that has to be shown. Nothing here
// changes what is stored.
#pragma once

#include <string>
#include <string_view>

namespace stagebox::base {

/// The text in double quotes for a message: control characters, quotes, backslashes and bytes that
/// are not UTF-8 become \xNN, so that a file name cannot drive the reader's terminal.
std::string printable(std::string_view text);

}  // namespace stagebox::base
