#include "runtime/cli/exec_environment.h"

#include <cstdlib>

#include "runtime/base/files.h"
#include "runtime/base/printable.h"

namespace stagebox::cli {
namespace {

using base::Result;
using Environment = std::map<std::string, std::string>;

constexpr std::size_t kLargestFile = std::size_t{1} << 20;
constexpr std::string_view kBlank = " \t\r\v\f";

std::optional<std::string> own_variable(const std::string& name) {
  const char* value = std::getenv(name.c_str());
  if (value == nullptr) return std::nullopt;
  return value;
}

void set(const std::string& name, const std::optional<std::string>& value, const LookUp& look_up,
         Environment& variables) {
  const auto found = value ? value : look_up(name);
  if (found) variables.insert_or_assign(name, *found);
}

Result<void> read_line(std::string_view line, const LookUp& look_up, Environment& variables) {
  const std::size_t begin = line.find_first_not_of(kBlank);
  if (begin == std::string_view::npos || line[begin] == '#') return {};
  line.remove_prefix(begin);
  const std::size_t equals = line.find('=');
  const std::string name(line.substr(0, equals));
  if (name.empty()) return base::invalid("there is no name before \"=\"");
  if (name.find_first_of(kBlank) != std::string::npos)
    return base::invalid(base::printable(name) +
                         " is not the name of a variable: there is white space in it");
  if (line.find('\0') != std::string_view::npos)
    return base::invalid("a variable cannot contain a NUL byte");
  std::optional<std::string> value;
  if (equals != std::string_view::npos) value = line.substr(equals + 1);
  set(name, value, look_up, variables);
  return {};
}

}  // namespace

Result<Environment> parse_environment_file(std::string_view text, const std::string& file,
                                           const LookUp& look_up) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  Environment variables;
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const auto read = read_line(line, look_up, variables);
    if (!read.ok())
      return base::Error(read.error()).with_context(file + ":" + std::to_string(number));
  }
  return variables;
}

Result<Environment> asked_environment(const ExecOptions& options) {
  Environment variables;
  for (const std::string& file : options.environment_files) {
    auto text = base::read_file(file, kLargestFile);
    if (!text.ok()) return text.error().with_context("--env-file");
    for (auto& [name, value] : TRY(parse_environment_file(*text, file, own_variable)))
      variables.insert_or_assign(name, std::move(value));
  }
  for (const auto& [name, value] : options.environment) set(name, value, own_variable, variables);
  return variables;
}

}  // namespace stagebox::cli
