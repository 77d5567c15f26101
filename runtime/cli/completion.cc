#include "runtime/cli/completion.h"

#include <algorithm>
#include <functional>
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
enum class Wanted { kFile, kRun, kImage, kNothing };

Wanted wanted_by(const OptionInfo& option) {
  static constexpr std::string_view kFiles[] = {"FILE",    "SOURCE",   "DEST", "DESTINATION",
                                                "ARCHIVE", "TAR|NAME", "DIR"};
  if (option.value == "RUN") return Wanted::kRun;
  if (option.value == "IMAGE") return Wanted::kImage;
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

/// The kind of the first positional argument, which is what a word without a dash completes.
Wanted first_argument(const CommandInfo& command) {
  const auto found = std::ranges::find_if(
      command.options, [](const OptionInfo& option) { return option.names.empty(); });
  return found == command.options.end() ? Wanted::kNothing : wanted_by(*found);
}

using Visit = std::function<void(const Path&, const CommandInfo&)>;

// The tree is two levels deep.
void for_each_command(const CommandInfo& root, const Visit& visit) {
  for (const CommandInfo& command : root.commands) {
    visit({command.name}, command);
    for (const CommandInfo& below : command.commands) visit({command.name, below.name}, below);
  }
}

/// In bash and in zsh: from a command and the word behind it to the command that both are.
void command_cases(std::ostream& out, const CommandInfo& root) {
  for_each_command(root, [&out](const Path& path, const CommandInfo& /*command*/) {
    const Path above(path.begin(), path.end() - 1);
    out << "      " << shell_quoted(joined(above, " ") + " " + path.back())
        << ") command=" << shell_quoted(joined(path, " ")) << " ;;\n";
  });
}

constexpr char kRuns[] = "last $(stagebox runs 2>/dev/null | cut -d ' ' -f 1)";
constexpr char kImages[] = "$(stagebox image list 2>/dev/null | tail -n +2 | cut -d ' ' -f 1)";

const char* words_for(Wanted wanted) {
  switch (wanted) {
    case Wanted::kRun:
      return kRuns;
    case Wanted::kImage:
      return kImages;
    case Wanted::kFile:
    case Wanted::kNothing:
      break;
  }
  return "";
}

// --- bash

std::string bash_values(const OptionInfo& option) {
  if (!option.choices.empty()) return "words=" + shell_quoted(joined(option.choices, " "));
  const Wanted wanted = wanted_by(option);
  if (wanted == Wanted::kFile) return "files=yes";
  if (wanted == Wanted::kNothing) return ":";
  return "words=\"" + std::string(words_for(wanted)) + "\"";
}

void bash_option_values(std::ostream& out, const CommandInfo& command) {
  out << "      case \"$previous\" in\n";
  for (const OptionInfo& option : command.options) {
    if (option.names.empty() || option.value.empty()) continue;
    out << "        " << joined(option.names, "|") << ") " << bash_values(option)
        << "; value=yes ;;\n";
  }
  out << "      esac\n";
}

void bash_command(std::ostream& out, const Path& path, const CommandInfo& command) {
  out << "    " << shell_quoted(joined(path, " ")) << ")\n";
  bash_option_values(out, command);
  out << "      options=" << shell_quoted(joined(flags_of(command), " ")) << '\n';
  if (!command.commands.empty()) {
    out << "      arguments=" << shell_quoted(joined(names_of(command.commands), " ")) << '\n';
  } else if (first_argument(command) == Wanted::kFile) {
    out << "      argument_files=yes\n";
  } else if (first_argument(command) != Wanted::kNothing) {
    out << "      arguments=\"" << words_for(first_argument(command)) << "\"\n";
  }
  out << "      ;;\n";
}

std::string bash_script(const CommandInfo& root) {
  std::ostringstream out;
  out << R"(# bash completion for stagebox
_stagebox() {
  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}"
  local command="" word index words="" options="" arguments="" files="" argument_files="" value=""
  for ((index = 1; index < COMP_CWORD; index++)); do
    word="${COMP_WORDS[index]}"
    case "$command $word" in
)";
  command_cases(out, root);
  out << "    esac\n  done\n  case \"$command\" in\n";
  out << "    '') arguments=" << shell_quoted(joined(names_of(root.commands), " "))
      << "; options=" << shell_quoted(joined(flags_of(root), " ")) << " ;;\n";
  for_each_command(root, [&out](const Path& path, const CommandInfo& command) {
    bash_command(out, path, command);
  });
  out << R"(  esac
  COMPREPLY=()
  if [ -n "$value" ]; then
    [ -z "$words" ] || mapfile -t COMPREPLY < <(compgen -W "$words" -- "$current")
    [ -z "$files" ] || mapfile -t COMPREPLY < <(compgen -f -- "$current")
  elif [[ $current == -* ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
  else
    [ -z "$arguments" ] || mapfile -t COMPREPLY < <(compgen -W "$arguments" -- "$current")
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
  switch (wanted_by(option)) {
    case Wanted::kFile:
      return "_files";
    case Wanted::kRun:
      return "compadd -- last ${(f)\"$(stagebox runs 2>/dev/null | cut -d ' ' -f 1)\"}";
    case Wanted::kImage:
      return "compadd -- ${(f)\"$(stagebox image list 2>/dev/null | tail -n +2 | cut -d ' ' -f "
             "1)\"}";
    case Wanted::kNothing:
      break;
  }
  return "_message " + shell_quoted(option.value);
}

void zsh_command(std::ostream& out, const Path& path, const CommandInfo& command) {
  out << "    " << shell_quoted(joined(path, " ")) << ")\n      case \"$previous\" in\n";
  for (const OptionInfo& option : command.options) {
    if (option.names.empty() || option.value.empty()) continue;
    out << "        " << joined(option.names, "|") << ") " << zsh_values(option) << "; return ;;\n";
  }
  out << "      esac\n      flags=(" << zsh_flags(command) << " )\n";
  const auto argument = std::ranges::find_if(
      command.options, [](const OptionInfo& option) { return option.names.empty(); });
  if (!command.commands.empty())
    out << "      names=(" << zsh_entries(command.commands) << " )\n";
  else if (argument != command.options.end())
    out << "      [[ $current == -* ]] || { " << zsh_values(*argument) << "; return; }\n";
  out << "      ;;\n";
}

// The file of a completion function is its body: called so, it defines itself and goes on.
std::string zsh_script(const CommandInfo& root) {
  std::ostringstream out;
  out << R"(#compdef stagebox
_stagebox() {
  local current="${words[CURRENT]}" previous="${words[CURRENT-1]}" command="" word
  local -a flags names
  for word in "${(@)words[2,CURRENT-1]}"; do
    case "$command $word" in
)";
  command_cases(out, root);
  out << "    esac\n  done\n  case \"$command\" in\n    '')\n      names=("
      << zsh_entries(root.commands) << " )\n      flags=(" << zsh_flags(root) << " )\n      ;;\n";
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

/// The condition under which a command's options are offered.
std::string fish_condition(const Path& path) {
  std::string condition;
  for (const std::string& name : path)
    condition += (condition.empty() ? "" : "; and ") + ("__fish_seen_subcommand_from " + name);
  return condition;
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
  } else if (wanted_by(option) == Wanted::kRun) {
    out << " -f -a '(echo last; stagebox runs 2>/dev/null | cut -d \" \" -f 1)'";
  } else if (wanted_by(option) == Wanted::kImage) {
    out << " -f -a '(stagebox image list 2>/dev/null | tail -n +2 | cut -d \" \" -f 1)'";
  } else if (wanted_by(option) == Wanted::kFile) {
    out << " -F";
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
  out << "# fish completion for stagebox\ncomplete -c stagebox -f\n";
  fish_names(out, "__fish_use_subcommand", root.commands);
  for_each_command(root, [&out](const Path& path, const CommandInfo& command) {
    const std::string condition = fish_condition(path);
    if (!command.commands.empty()) {
      fish_names(out,
                 condition + "; and not __fish_seen_subcommand_from " +
                     joined(names_of(command.commands), " "),
                 command.commands);
    }
    for (const OptionInfo& option : command.options) fish_option(out, condition, option);
  });
  return out.str();
}

}  // namespace

std::string completion_script(const CommandInfo& root, Shell shell) {
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
