#include "runtime/cli/manual.h"

#include <algorithm>
#include <sstream>

#include "runtime/base/version.h"

namespace stagebox::cli {
namespace {

/// Text for troff: a backslash is not an escape, a dash is what can be typed, and no line is taken
/// for a request (groff_man_style(7)).
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else
      result += c;
  }
  const bool is_request = !result.empty() && (result[0] == '.' || result[0] == '\'');
  return is_request ? "\\&" + result : result;
}

std::string in_bold(const std::string& text) { return "\\fB" + escaped(text) + "\\fR"; }
std::string in_italics(const std::string& text) { return "\\fI" + escaped(text) + "\\fR"; }

const CommandInfo& find_command(const CommandInfo& root, const std::vector<std::string>& path) {
  const CommandInfo* command = &root;
  for (const std::string& name : path)
    command = &*std::ranges::find(command->commands, name, &CommandInfo::name);
  return *command;
}

std::string joined(const std::vector<std::string>& words, const char* separator) {
  std::string text;
  for (const std::string& word : words) text += separator + word;
  return text;
}

std::string tag_of(const OptionInfo& option) {
  std::string tag;
  for (const std::string& name : option.names) tag += (tag.empty() ? "" : ", ") + in_bold(name);
  if (!option.value.empty()) tag += (tag.empty() ? "" : " ") + in_italics(option.value);
  return tag;
}

void write_list(std::ostream& out, const char* title, const std::vector<OptionInfo>& options,
                bool positional) {
  bool first = true;
  for (const OptionInfo& option : options) {
    if (option.names.empty() != positional) continue;
    if (first) out << ".SH " << title << '\n';
    first = false;
    out << ".TP\n" << tag_of(option) << '\n' << escaped(option.help) << ".\n";
  }
}

void write_synopsis(std::ostream& out, const std::string& name, const CommandInfo& command) {
  out << ".SH SYNOPSIS\n" << in_bold(name);
  if (!command.commands.empty()) out << ' ' << in_italics("COMMAND") << " ...";
  const bool has_options = std::ranges::any_of(
      command.options, [](const OptionInfo& option) { return !option.names.empty(); });
  if (has_options) out << " [" << in_italics("OPTIONS") << ']';
  for (const OptionInfo& option : command.options) {
    if (!option.names.empty()) continue;
    const std::string value = in_italics(option.value);
    out << ' ' << (option.required ? value : "[" + value + "]");
  }
  out << '\n';
}

void write_commands(std::ostream& out, const std::string& page, const CommandInfo& command) {
  if (command.commands.empty()) return;
  out << ".SH COMMANDS\n";
  for (const CommandInfo& below : command.commands) {
    out << ".TP\n"
        << in_bold(below.name) << '\n'
        << escaped(below.help) << ": " << in_bold(page + "-" + below.name) << "(1).\n";
  }
}

constexpr char kExitStatus[] = R"(.SH EXIT STATUS
0: all went well; 1: a stage failed; 2: the pipeline or the command line is wrong; 3: Stagebox or the machine failed; 130:
interrupted.
.B stagebox exec
ends as its command did (128 + the number for a signal), and with 125 when Stagebox failed.
)";
constexpr char kFiles[] = R"(.SH FILES
.TP
.I stagebox.yaml
The pipeline file, where no other is named.
.TP
.I $STAGEBOX_HOME
What is kept: images, results, runs, logs. By default
.I /var/lib/stagebox
for root, else
.IR $XDG_DATA_HOME/stagebox .
)";

}  // namespace

std::string manual_page(const CommandInfo& root, const std::vector<std::string>& path) {
  const CommandInfo& command = find_command(root, path);
  const std::string page = root.name + joined(path, "-");
  const std::string name = root.name + joined(path, " ");
  std::ostringstream out;
  out << ".TH " << escaped(page) << " 1 \"\" \"Stagebox " << base::kVersion << "\"\n"
      << ".SH NAME\n"
      << escaped(page) << " \\- " << escaped(command.help) << '\n';
  write_synopsis(out, name, command);
  write_commands(out, page, command);
  write_list(out, "ARGUMENTS", command.options, true);
  write_list(out, "OPTIONS", command.options, false);
  out << kExitStatus;
  if (path.empty()) out << kFiles;
  if (!path.empty()) out << ".SH SEE ALSO\n" << in_bold(root.name) << "(1)\n";
  return out.str();
}

}  // namespace stagebox::cli
