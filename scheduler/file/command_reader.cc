#include "scheduler/file/command_reader.h"

#include <utility>

#include "scheduler/file/script_expressions.h"

namespace stagebox::scheduler {
namespace {

// Else the kernel would refuse it, and blame the shell.
bool is_too_long(const YamlNode& node, std::string_view what, std::string_view text,
                 const ValueReader& reader) {
  if (text.size() < kLongestArgument) return false;
  reader.diagnostics().add(node.position,
                           std::string(what) +
                               " is longer than 128 KiB, the most that the kernel passes to a "
                               "program",
                           "put it into an input file");
  return true;
}

std::optional<ReadCommand> read_script(const YamlNode& node, std::string_view what,
                                       const std::vector<std::string>& shell,
                                       const ValueReader& reader) {
  if (node.scalar().find_first_not_of(" \t\n") == std::string::npos) {
    reader.diagnostics().add(node.position, std::string(what) + " is empty",
                             "it must execute something");
    return std::nullopt;
  }
  RewrittenScript script = rewrite_script(node.scalar(), reader.values());
  reader.report(node, script.mistakes);
  if (has_expression(node.scalar()) && !is_posix_shell(shell.front()))
    reader.diagnostics().add(
        node.position,
        "an expression in a script becomes ${VARIABLE}, which only a POSIX shell replaces, but "
        "this stage's `shell` is " +
            backquoted(shell.front()),
        "put the expression under `env` and read that variable in the script");
  if (is_too_long(node, what, script.text, reader)) return std::nullopt;
  return ReadCommand{Script{std::move(script.text)}, std::move(script.variables)};
}

// "[sh, -c, CODE]": an expression in CODE would be executed as code, whatever the parameter holds.
void check_shell_code(const YamlNode& node, std::string_view what,
                      const std::vector<std::string>& arguments, const ValueReader& reader) {
  if (!is_posix_shell(arguments.front())) return;
  for (std::size_t i = 1; i + 1 < arguments.size(); ++i) {
    const std::string& option = arguments[i];
    const bool takes_code = option.starts_with('-') && !option.starts_with("--") &&
                            option.find('c') != std::string::npos;
    if (!takes_code || !has_expression(node.items()[i + 1]->scalar())) continue;
    reader.diagnostics().add(node.items()[i + 1]->position,
                             "the value of this expression would be executed as shell code",
                             "write " + std::string(what) +
                                 " as a script, or put the expression under `env` and use "
                                 "\"$NAME\" here");
  }
}

std::optional<ReadCommand> read_argv(const YamlNode& node, std::string_view what,
                                     const ValueReader& reader) {
  auto arguments = reader.texts(node, what).value_or(std::vector<std::string>());
  if (arguments.size() != node.items().size()) return std::nullopt;  // Reported already.
  if (arguments.empty() || arguments.front().empty()) {
    reader.diagnostics().add(node.position, std::string(what) + " names no program",
                             "write for example [make, -j2], or a script");
    return std::nullopt;
  }
  check_shell_code(node, what, arguments, reader);
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (is_too_long(*node.items()[i], "an argument of " + std::string(what), arguments[i], reader))
      return std::nullopt;
  }
  return ReadCommand{Argv{std::move(arguments)}, {}};
}

}  // namespace

std::optional<ReadCommand> read_command(const YamlNode& node, std::string_view what,
                                        const std::vector<std::string>& shell,
                                        const ValueReader& reader) {
  if (node.is_sequence()) return read_argv(node, what, reader);
  if (node.is_scalar() && !node.is_null()) return read_script(node, what, shell, reader);
  reader.mismatch(node, what, "a script or a list of arguments");
  return std::nullopt;
}

}  // namespace stagebox::scheduler
