// command_mistake: what to say of a command line that CLI11 refuses.
#pragma once

#include <span>
#include <string>

namespace CLI {
class App;
class Error;
}  // namespace CLI

namespace stagebox::cli {

/// One line without a full stop that ends with where help is. `root`: after it has thrown `error`
/// on `arguments`, which do not have the program's name.
std::string command_mistake(CLI::App& root, const CLI::Error& error,
                            std::span<const char* const> arguments);

}  // namespace stagebox::cli
