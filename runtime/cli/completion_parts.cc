#include "runtime/cli/completion_parts.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "runtime/cli/shell_quote.h"

namespace stagebox::cli::completion {

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

// The tree is two levels deep.
void for_each_command(const CommandInfo& root, const Visit& visit) {
  for (const CommandInfo& command : root.commands) {
    visit({command.name}, command);
    for (const CommandInfo& below : command.commands) visit({command.name, below.name}, below);
  }
}

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

std::string position_case(std::size_t position, const OptionInfo& argument) {
  return argument.repeated ? "*" : std::to_string(position);
}

const char* const kLists = R"(
__stagebox_runs() { echo last; stagebox names runs 2>/dev/null; }
__stagebox_images() { stagebox names images 2>/dev/null; }
__stagebox_targets() { stagebox names pipeline-stages "$1" 2>/dev/null; }
__stagebox_stages() { stagebox names stages "$1" 2>/dev/null; }
__stagebox_outputs() { stagebox names outputs "$1" 2>/dev/null; }
)";

std::string list_of(Wanted wanted, const std::string& first) {
  switch (wanted) {
    case Wanted::kRun:
      return "__stagebox_runs";
    case Wanted::kImage:
      return "__stagebox_images";
    case Wanted::kTarget:
      return "__stagebox_targets " + first;
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

}  // namespace stagebox::cli::completion
