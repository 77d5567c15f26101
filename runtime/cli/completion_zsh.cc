#include <sstream>

#include "runtime/cli/completion_parts.h"
#include "runtime/cli/shell_quote.h"

namespace stagebox::cli::completion {
namespace {

/// Of a list for _describe: `name:description`.
std::string zsh_entry(const std::string& name, const std::string& help) {
  std::string entry;
  for (const char c : name) entry += (c == ':' || c == '\\' ? "\\" : "") + std::string(1, c);
  return shell_quoted(entry + ":" + help);
}

std::string zsh_entries(const std::vector<CommandInfo>& commands) {
  std::string entries;
  for (const CommandInfo& command : commands)
    entries += " " + zsh_entry(command.name, command.help);
  return entries;
}

std::string zsh_flags(const CommandInfo& command) {
  std::string flags;
  for (const OptionInfo& option : command.options) {
    for (const std::string& name : option.names) flags += " " + zsh_entry(name, option.help);
  }
  return flags;
}

/// A command that offers what is wanted.
std::string zsh_values(const OptionInfo& option) {
  if (!option.choices.empty()) return "compadd -- " + joined(option.choices, " ");
  const Wanted wanted = wanted_by(option);
  if (wanted == Wanted::kFile) return "_files";
  if (wanted == Wanted::kNothing) return "_message " + shell_quoted(option.value);
  return "compadd -- ${(f)\"$(" + list_of(wanted, "\"$first\"") + ")\"}";
}

void zsh_command(std::ostream& out, const Path& path, const CommandInfo& command) {
  out << "    " << shell_quoted(joined(path, " ")) << ")\n      case \"$previous\" in\n";
  for (const OptionInfo& option : command.options) {
    if (!takes_value(option)) continue;
    out << "        " << joined(option.names, "|") << ") " << zsh_values(option) << "; return ;;\n";
  }
  out << "      esac\n      flags=(" << zsh_flags(command) << " )\n";
  out << "      [[ $current == -* ]] || case $position in\n";
  const std::vector<OptionInfo> arguments = arguments_of(command);
  if (!command.commands.empty()) {
    out << "        0) names=(" << zsh_entries(command.commands) << " ) ;;\n";
  } else {
    for (std::size_t i = 0; i < arguments.size(); ++i)
      out << "        " << position_case(i, arguments[i]) << ") " << zsh_values(arguments[i])
          << "; return ;;\n";
  }
  out << "      esac\n      ;;\n";
}

}  // namespace

// The file of a completion function is its body: called so, it defines itself and goes on.
std::string zsh_script(const CommandInfo& root) {
  std::ostringstream out;
  out << "#compdef stagebox" << kLists << R"(_stagebox() {
  local current="${words[CURRENT]}" previous="${words[CURRENT-1]}" command="" word skip="" first="" position=0
  local -a flags names
  if [[ $current == --*=* ]]; then
    previous="${current%%=*}" current="${current#*=}"
    compset -P '*='
  fi
  for word in "${(@)words[2,CURRENT-1]}"; do
    if [[ -n $skip ]]; then skip=""; continue; fi
)";
  word_cases(out, root);
  out << "  done\n  case \"$command\" in\n    '')\n      names=(" << zsh_entries(root.commands)
      << " )\n      flags=(" << zsh_flags(root) << " )\n      ;;\n";
  for_each_command(root, [&out](const Path& path, const CommandInfo& command) {
    zsh_command(out, path, command);
  });
  out << R"(  esac
  if [[ $current == -* ]]; then
    _describe -o option flags
  elif (( $#names )); then
    _describe command names
  fi
}
if [[ ${funcstack[1]} == _stagebox ]]; then
  _stagebox "$@"
else
  compdef _stagebox stagebox
fi
)";
  return out.str();
}

}  // namespace stagebox::cli::completion
