#include "runtime/cli/completion.h"

#include <algorithm>
#include <functional>
#include <iterator>
#include <sstream>
#include <string_view>
#include <vector>

#include "runtime/cli/shell_quote.h"

namespace stagebox::cli {
namespace {

using Path = std::vector<std::string>;

std::string joined(const std::vector<std::string>& words, const char* separator) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : separator) + word;
  return text;
}

/// What can stand where a value is wanted.
enum class Wanted {
  kFile,
  kRun,
  kImage,
  kTarget,  ///< A stage of the pipeline file.
  kStage,   ///< A stage of the run that is the first argument.
  kOutput,  ///< STAGE.OUTPUT of that run.
  kNothing
};

Wanted wanted_by(const OptionInfo& option) {
  static constexpr std::string_view kFiles[] = {"FILE",    "SOURCE",   "DEST", "DESTINATION",
                                                "ARCHIVE", "TAR|NAME", "DIR"};
  if (option.value == "RUN") return Wanted::kRun;
  if (option.value == "IMAGE") return Wanted::kImage;
  if (option.value == "OUTPUT") return Wanted::kOutput;
  if (option.value == "STAGE") return option.of_run ? Wanted::kStage : Wanted::kTarget;
  return std::ranges::find(kFiles, option.value) != std::end(kFiles) ? Wanted::kFile
                                                                     : Wanted::kNothing;
}

std::vector<std::string> flags_of(const CommandInfo& command) {
  std::vector<std::string> flags;
  for (const OptionInfo& option : command.options)
    flags.insert(flags.end(), option.names.begin(), option.names.end());
  return flags;
}

std::vector<std::string> names_of(const std::vector<CommandInfo>& commands) {
  std::vector<std::string> names;
  for (const CommandInfo& command : commands) names.push_back(command.name);
  return names;
}

bool takes_value(const OptionInfo& option) {
  return !option.names.empty() && !option.value.empty();
}

/// All ways to write an option that the next word is the value of.
std::vector<std::string> valued_flags(const CommandInfo& command) {
  std::vector<std::string> flags;
  for (const OptionInfo& option : command.options) {
    if (takes_value(option)) flags.insert(flags.end(), option.names.begin(), option.names.end());
  }
  return flags;
}

std::vector<OptionInfo> arguments_of(const CommandInfo& command) {
  std::vector<OptionInfo> arguments;
  std::ranges::copy_if(command.options, std::back_inserter(arguments),
                       [](const OptionInfo& option) { return option.names.empty(); });
  return arguments;
}

/// The names alone.
std::vector<CommandInfo> bare(const std::vector<CommandInfo>& commands) {
  std::vector<CommandInfo> names;
  for (const CommandInfo& command : commands)
    names.push_back({command.name, command.help, {}, bare(command.commands)});
  return names;
}

/// `manual` takes the words of a command: for a completion they are commands below it.
CommandInfo with_pages(CommandInfo root) {
  for (CommandInfo& command : root.commands) {
    if (command.name == "manual") command.commands = bare(root.commands);
  }
  return root;
}

using Visit = std::function<void(const Path&, const CommandInfo&)>;

// The tree is two levels deep.
void for_each_command(const CommandInfo& root, const Visit& visit) {
  for (const CommandInfo& command : root.commands) {
    visit({command.name}, command);
    for (const CommandInfo& below : command.commands) visit({command.name, below.name}, below);
  }
}

/// In bash and in zsh: from a command and the word behind it to the command that both are, to an
/// option whose value comes next, or to how many arguments there are.
void word_cases(std::ostream& out, const CommandInfo& root) {
  out << "    case \"$command $word\" in\n";
  for_each_command(root, [&out](const Path& path, const CommandInfo& command) {
    const Path above(path.begin(), path.end() - 1);
    const std::string words = joined(path, " ");
    out << "      " << shell_quoted(joined(above, " ") + " " + path.back())
        << ") command=" << shell_quoted(words) << " ;;\n";
    std::vector<std::string> valued;
    for (const std::string& flag : valued_flags(command))
      valued.push_back(shell_quoted(std::string(words).append(" ").append(flag)));
    if (!valued.empty()) out << "      " << joined(valued, "|") << ") skip=yes ;;\n";
  });
  out << R"(      "$command "-*) ;;
      *)
        if [ $position = 0 ]; then first="$word"; fi
        position=$((position + 1)) ;;
    esac
)";
}

/// The case of an argument in a script for bash or zsh.
std::string position_case(std::size_t position, const OptionInfo& argument) {
  return argument.repeated ? "*" : std::to_string(position);
}

/// For bash and zsh. A line each.
constexpr char kLists[] = R"(
__stagebox_runs() { echo last; stagebox runs 2>/dev/null | cut -d ' ' -f 1; }
__stagebox_images() { stagebox image list 2>/dev/null | tail -n +2 | cut -d ' ' -f 1; }
__stagebox_targets() { stagebox run --dry-run 2>/dev/null; }
__stagebox_stages() { stagebox show "$1" 2>/dev/null | sed -n 's/^  \([^ ]\{1,\}\).*/\1/p'; }
__stagebox_outputs() { stagebox artifacts "$1" 2>/dev/null | cut -d ' ' -f 1; }
)";

/// What prints them; `first`: the first argument, as the shell has it.
std::string list_of(Wanted wanted, const std::string& first) {
  switch (wanted) {
    case Wanted::kRun:
      return "__stagebox_runs";
    case Wanted::kImage:
      return "__stagebox_images";
    case Wanted::kTarget:
      return "__stagebox_targets";
    case Wanted::kStage:
      return "__stagebox_stages " + first;
    case Wanted::kOutput:
      return "__stagebox_outputs " + first;
    case Wanted::kFile:
    case Wanted::kNothing:
      break;
  }
  return "";
}

// --- bash

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

// --- zsh

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

// --- fish

constexpr char kFishFunctions[] = R"(# Whether these are the first words behind "stagebox".
function __stagebox_in
  set -l words (commandline -opc)
  set -l last (math 1 + (count $argv))
  test (count $words) -ge $last
  and test "$words[2..$last]" = "$argv"
end
# COMPARISON NUMBER DEPTH OPTION...: of the arguments behind the words of the command, DEPTH many.
# The word behind such an option is its value.
function __stagebox_arguments
  set -l words (commandline -opc)
  set -l seen 0
  set -l skip ''
  for word in $words[(math 2 + $argv[3])..]
    if test -n "$skip"
      set skip ''
    else if contains -- $word $argv[4..]
      set skip yes
    else if not string match -q -- '-*' $word
      set seen (math $seen + 1)
    end
  end
  test $seen $argv[1] $argv[2]
end
function __stagebox_first
  for word in (commandline -opc)[3..]
    if not string match -q -- '-*' $word
      echo $word
      return
    end
  end
end
function __stagebox_runs
  echo last
  stagebox runs 2>/dev/null | cut -d ' ' -f 1
end
function __stagebox_images
  stagebox image list 2>/dev/null | tail -n +2 | cut -d ' ' -f 1
end
function __stagebox_targets
  stagebox run --dry-run 2>/dev/null
end
function __stagebox_stages
  stagebox show "$argv[1]" 2>/dev/null | string replace -rf '^  ([^ ]+).*' '$1'
end
function __stagebox_outputs
  stagebox artifacts "$argv[1]" 2>/dev/null | cut -d ' ' -f 1
end
)";

/// The condition under which a command's options are offered.
std::string fish_condition(const Path& path) { return "__stagebox_in " + joined(path, " "); }

std::string fish_position(const Path& path, const CommandInfo& command, std::size_t position,
                          const char* comparison) {
  const std::vector<std::string> valued = valued_flags(command);
  return fish_condition(path) + "; and __stagebox_arguments " + comparison + " " +
         std::to_string(position) + " " + std::to_string(path.size()) +
         (valued.empty() ? "" : " " + joined(valued, " "));
}

void fish_option(std::ostream& out, const std::string& condition, const OptionInfo& option) {
  out << "complete -c stagebox -n " << shell_quoted(condition);
  for (const std::string& name : option.names) {
    const bool is_long = name.starts_with("--");
    out << (is_long ? " -l " : " -s ") << name.substr(is_long ? 2 : 1);
  }
  if (!option.value.empty() && !option.names.empty()) out << " -r";
  if (!option.choices.empty()) {
    out << " -f -a " << shell_quoted(joined(option.choices, " "));
  } else if (wanted_by(option) == Wanted::kFile) {
    out << " -F";
  } else if (wanted_by(option) != Wanted::kNothing) {
    out << " -f -a '(" << list_of(wanted_by(option), "(__stagebox_first)") << ")'";
  }
  out << " -d " << shell_quoted(option.help) << '\n';
}

void fish_names(std::ostream& out, const std::string& condition,
                const std::vector<CommandInfo>& commands) {
  for (const CommandInfo& command : commands) {
    out << "complete -c stagebox -n " << shell_quoted(condition) << " -a " << command.name << " -d "
        << shell_quoted(command.help) << '\n';
  }
}

std::string fish_script(const CommandInfo& root) {
  std::ostringstream out;
  out << "# fish completion for stagebox\n" << kFishFunctions << "complete -c stagebox -f\n";
  fish_names(out, "__fish_use_subcommand", root.commands);
  for_each_command(root, [&out](const Path& path, const CommandInfo& command) {
    fish_names(out, fish_position(path, command, 0, "-eq"), command.commands);
    std::size_t position = 0;
    for (const OptionInfo& option : command.options) {
      if (!option.names.empty()) {
        fish_option(out, fish_condition(path), option);
      } else if (command.commands.empty()) {
        const char* const comparison = option.repeated ? "-ge" : "-eq";
        fish_option(out, fish_position(path, command, position++, comparison), option);
      }
    }
  });
  return out.str();
}

}  // namespace

std::string completion_script(const CommandInfo& commands, Shell shell) {
  const CommandInfo root = with_pages(commands);
  switch (shell) {
    case Shell::kFish:
      return fish_script(root);
    case Shell::kZsh:
      return zsh_script(root);
    case Shell::kBash:
      break;
  }
  return bash_script(root);
}

}  // namespace stagebox::cli
