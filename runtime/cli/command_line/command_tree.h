// CommandTree: what the command line understands, as plain values, for completions and manual
// pages.
#pragma once

#include <string>
#include <vector>

namespace stagebox::cli {

struct OptionInfo {
  std::vector<std::string> names;  ///< "--jobs", "-j"; empty for a positional argument.
  std::string value;               ///< "N", "FILE", "trusted|untrusted"; empty for a flag.
  std::string help;                ///< One sentence without a full stop.
  bool required = false;
  std::vector<std::string> choices;  ///< The only values, where they are words.
  bool repeated = false;             ///< A positional one that takes all that follow.
  bool of_run = false;               ///< One that names a part of the RUN that is the first.
};

struct CommandInfo {
  std::string name;  ///< Of this level: "import" for `stagebox image import`.
  std::string help;
  std::vector<OptionInfo> options;    ///< Positional ones in their order.
  std::vector<CommandInfo> commands;  ///< Those below.
};

/// The root is `stagebox` itself.
CommandInfo command_tree();

}  // namespace stagebox::cli
