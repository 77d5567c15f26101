// shared_options: options that several commands have, and ways to describe options.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/printable.h"
#include "runtime/cli/command_line/options.h"

namespace stagebox::cli {

/// Words and what they mean, for an option of an enumeration. CLI11's own transformer takes the
/// numbers as well: `--trust 0` would mean the first of them, which is what nobody means by it.
template <typename T>
CLI::Validator one_of(const std::map<std::string, T>& words) {
  const auto transform = [words](std::string& text) -> std::string {
    const auto found = words.find(text);
    if (found != words.end()) {
      text = std::to_string(static_cast<long long>(found->second));
      return "";
    }
    std::string known;
    for (const auto& [word, meaning] : words) known += (known.empty() ? "" : ", ") + word;
    return base::printable(text) + " is none of: " + known;
  };
  return CLI::Validator(transform, "");
}
/// A whole number, in the words that other limits have for it.
CLI::Validator whole_number(std::uint64_t from,
                            std::uint64_t to = std::numeric_limits<std::uint64_t>::max());
/// The check without what CLI11 would add to the help.
CLI::Validator quiet(const CLI::Validator& check);

/// Splits "K=V". Throws CLI::ValidationError, of which CLI11 shows the text as the mistake; `form`
/// says what is expected.
std::pair<std::string, std::string> split_at(const std::string& text, char separator,
                                             const std::string& form);
/// The same at '='; a name alone has no value.
std::pair<std::string, std::optional<std::string>> split_name(const std::string& text,
                                                              const std::string& form);

/// May be given again and again, with one value each time: what follows is somebody else's, FILE or
/// the command of a sandbox.
void may_repeat(CLI::Option* option);
/// Such an option, of values that are understood by `parse`.
template <typename Parse, typename T>
CLI::Option* add_repeated(CLI::App* app, const std::string& name, std::vector<T>& values,
                          const Parse& parse, const std::string& help) {
  CLI::Option* option = app->add_option_function<std::vector<std::string>>(
      name,
      [&values, parse](const std::vector<std::string>& texts) {
        for (const std::string& text : texts) values.push_back(parse(text));
      },
      help);
  may_repeat(option);
  return option;
}
/// Such an option, of values as they are.
CLI::Option* add_repeated(CLI::App* app, const std::string& name, std::vector<std::string>& values,
                          const std::string& help);

/// --jobs; `otherwise`: what holds without it.
void add_jobs(CLI::App* app, std::size_t& jobs, const std::string& otherwise);
/// --json
void add_json(CLI::App* app, OutputFormat& format);
/// --trust and --policy
void add_trust(CLI::App* app, TrustOptions& options);
/// --secret of those who ask for one, from the policy when it has no source.
void add_asked_secrets(CLI::App* app, std::vector<std::pair<std::string, std::string>>& secrets,
                       const std::string& help);
/// --secret for stages that declare it.
void add_secrets(CLI::App* app, std::vector<std::pair<std::string, std::string>>& secrets);
/// --events, --trace and --report
void add_reports(CLI::App* app, ReportOptions& reports);
/// FILE and --param
void add_pipeline(CLI::App* app, PipelineOptions& options);

}  // namespace stagebox::cli
