// Completion scripts for shells, from the command tree. Pure.
#pragma once

#include <string>

#include "runtime/cli/command_tree.h"

namespace stagebox::cli {

enum class Shell { kBash, kZsh, kFish };

/// A script to be sourced. Run ids and names of images are asked of `stagebox` itself.
std::string completion_script(const CommandInfo& root, Shell shell);

}  // namespace stagebox::cli
