// Completion scripts for shells, from the command tree. Pure.
#pragma once

#include <string>

#include "runtime/cli/command_line/command_tree.h"
#include "runtime/cli/command_line/options.h"

namespace stagebox::cli {

/// A script to be sourced. Run ids and names of images are asked of `stagebox` itself.
std::string completion_script(const CommandInfo& commands, Shell shell);

}  // namespace stagebox::cli
