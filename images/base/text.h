// Text for messages about names that an image chose: they may hold anything.
#pragma once

#include <string>
#include <string_view>

namespace stagebox::images {

/// In double quotes, with control characters, quotes and bytes that are not UTF-8 text of one line
/// escaped as \xNN, and clipped to 200 bytes.
std::string quote(std::string_view name);

}  // namespace stagebox::images
