#include <sstream>

#include "runtime/cli/completion_parts.h"
#include "runtime/cli/shell_quote.h"

namespace stagebox::cli::completion {
namespace {

constexpr char kFishFunctions[] = R"(# Whether these are the first words behind "stagebox".
function __stagebox_in
  set -l words (commandline -opc)
  set -l last (math 1 + (count $argv))
  test (count $words) -ge $last
  and test "$words[2..$last]" = "$argv"
end
# DEPTH OPTION...: the arguments behind the words of the command, DEPTH many. The word behind such an
# option is its value.
function __stagebox_words
  set -l words (commandline -opc)
  set -l skip ''
  for word in $words[(math 2 + $argv[1])..]
    if test -n "$skip"
      set skip ''
    else if contains -- $word $argv[2..]
      set skip yes
    else if not string match -q -- '-*' $word
      echo $word
    end
  end
end
# COMPARISON NUMBER DEPTH OPTION...: how many of these there are.
function __stagebox_arguments
  test (__stagebox_words $argv[3..] | count) $argv[1] $argv[2]
end
function __stagebox_first
  __stagebox_words $argv | head -n 1
end
function __stagebox_runs
  echo last
  stagebox names runs 2>/dev/null
end
function __stagebox_images
  stagebox names images 2>/dev/null
end
function __stagebox_targets
  stagebox names pipeline-stages "$argv[1]" 2>/dev/null
end
function __stagebox_stages
  stagebox names stages "$argv[1]" 2>/dev/null
end
function __stagebox_outputs
  stagebox names outputs "$argv[1]" 2>/dev/null
end
)";

/// The condition under which a command's options are offered.
std::string fish_condition(const Path& path) { return "__stagebox_in " + joined(path, " "); }

/// What tells a function of ours the arguments of a command from its options and their values.
std::string fish_arguments(const Path& path, const CommandInfo& command) {
  const std::vector<std::string> valued = valued_flags(command);
  return std::to_string(path.size()) + (valued.empty() ? "" : " " + joined(valued, " "));
}

std::string fish_position(const Path& path, const CommandInfo& command, std::size_t position,
                          const char* comparison) {
  return fish_condition(path) + "; and __stagebox_arguments " + comparison + " " +
         std::to_string(position) + " " + fish_arguments(path, command);
}

/// `arguments`: of the command, as above.
void fish_option(std::ostream& out, const std::string& condition, const std::string& arguments,
                 const OptionInfo& option) {
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
    out << " -f -a '(" << list_of(wanted_by(option), "(__stagebox_first " + arguments + ")")
        << ")'";
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

}  // namespace

std::string fish_script(const CommandInfo& root) {
  std::ostringstream out;
  out << "# fish completion for stagebox\n" << kFishFunctions << "complete -c stagebox -f\n";
  fish_names(out, "__fish_use_subcommand", root.commands);
  for_each_command(root, [&out](const Path& path, const CommandInfo& command) {
    fish_names(out, fish_position(path, command, 0, "-eq"), command.commands);
    const std::string arguments = fish_arguments(path, command);
    std::size_t position = 0;
    for (const OptionInfo& option : command.options) {
      if (!option.names.empty()) {
        fish_option(out, fish_condition(path), arguments, option);
      } else if (command.commands.empty()) {
        const char* const comparison = option.repeated ? "-ge" : "-eq";
        fish_option(out, fish_position(path, command, position++, comparison), arguments, option);
      }
    }
  });
  return out.str();
}

}  // namespace stagebox::cli::completion
