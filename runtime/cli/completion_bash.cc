#include <sstream>

#include "runtime/cli/completion_parts.h"
#include "runtime/cli/shell_quote.h"

namespace stagebox::cli::completion {
namespace {

/// Sets the variables `words`, `lines` and `files`, with `prefix` before their names. Lines are
/// somebody else's text, which compgen would expand.
std::string bash_values(const OptionInfo& option, const std::string& prefix = "") {
  if (!option.choices.empty()) return prefix + "words=" + shell_quoted(joined(option.choices, " "));
  const Wanted wanted = wanted_by(option);
  if (wanted == Wanted::kFile) return prefix + "files=yes";
  if (wanted == Wanted::kNothing) return ":";
  return prefix + "lines=\"$(" + list_of(wanted, "\"$first\"") + ")\"";
}

void bash_option_values(std::ostream& out, const CommandInfo& command) {
  out << "      case \"$previous\" in\n";
  for (const OptionInfo& option : command.options) {
    if (!takes_value(option)) continue;
    out << "        " << joined(option.names, "|") << ") " << bash_values(option)
        << "; value=yes ;;\n";
  }
  out << "      esac\n";
}

void bash_command(std::ostream& out, const Path& path, const CommandInfo& command) {
  out << "    " << shell_quoted(joined(path, " ")) << ")\n";
  bash_option_values(out, command);
  out << "      options=" << shell_quoted(joined(flags_of(command), " ")) << '\n';
  out << "      case $position in\n";
  const std::vector<OptionInfo> arguments = arguments_of(command);
  if (!command.commands.empty()) {
    out << "        0) argument_words=" << shell_quoted(joined(names_of(command.commands), " "))
        << " ;;\n";
  } else {
    for (std::size_t i = 0; i < arguments.size(); ++i)
      out << "        " << position_case(i, arguments[i]) << ") "
          << bash_values(arguments[i], "argument_") << " ;;\n";
  }
  out << "      esac\n      ;;\n";
}

}  // namespace

std::string bash_script(const CommandInfo& root) {
  std::ostringstream out;
  out << "# bash completion for stagebox" << kLists << R"(# Which of these lines begin so.
__stagebox_offer() {
  local line
  while IFS= read -r line; do
    [[ -z $line || $line != "$2"* ]] || COMPREPLY+=("$line")
  done <<<"$1"
}
_stagebox() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
  local command="" word index words="" lines="" files="" options="" first=""
  local argument_words="" argument_lines="" argument_files="" value="" skip="" position=0 prefix=""
  # "--option=value" is three words, or one where COMP_WORDBREAKS is without "=".
  if [ "$current" = = ]; then
    current=""
  elif [ "$previous" = = ]; then
    previous="${COMP_WORDS[COMP_CWORD-2]}"
  elif [[ $current == --*=* ]]; then
    previous="${current%%=*}" prefix="${current%%=*}=" current="${current#*=}"
  fi
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="${COMP_WORDS[index]}"
    if [ "$word" = = ]; then skip=yes; continue; fi
    if [ -n "$skip" ]; then skip=""; continue; fi
)";
  word_cases(out, root);
  out << "  done\n  case \"$command\" in\n";
  out << "    '') argument_words=" << shell_quoted(joined(names_of(root.commands), " "))
      << "; options=" << shell_quoted(joined(flags_of(root), " ")) << " ;;\n";
  for_each_command(root, [&out](const Path& path, const CommandInfo& command) {
    bash_command(out, path, command);
  });
  out << R"(  esac
  COMPREPLY=()
  if [ -n "$value" ]; then
    [ -z "$words" ] || mapfile -t COMPREPLY < <(compgen -P "$prefix" -W "$words" -- "$current")
    [ -z "$lines" ] || __stagebox_offer "$lines" "$current"
    [ -z "$lines" ] || COMPREPLY=("${COMPREPLY[@]/#/$prefix}")
    [ -z "$files" ] || mapfile -t COMPREPLY < <(compgen -P "$prefix" -f -- "$current")
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  else
    [ -z "$argument_words" ] || mapfile -t COMPREPLY < <(compgen -W "$argument_words" -- "$current")
    [ -z "$argument_lines" ] || __stagebox_offer "$argument_lines" "$current"
    [ -z "$argument_files" ] || mapfile -t COMPREPLY < <(compgen -f -- "$current")
  fi
}
complete -o filenames -F _stagebox stagebox
)";
  return out.str();
}

}  // namespace stagebox::cli::completion
