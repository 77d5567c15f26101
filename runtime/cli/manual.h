// Manual pages, from the command tree. Pure.
#pragma once

#include <string>
#include <vector>

#include "runtime/cli/command_line/command_tree.h"

namespace stagebox::cli {

/// A page in section 1, in man(7) macros: of `stagebox`, or of the command at the end of `path`
/// ("image", "import"), which must be there.
std::string manual_page(const CommandInfo& root, const std::vector<std::string>& path);

}  // namespace stagebox::cli
