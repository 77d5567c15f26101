#include "runtime/cli/command_line/shared_options.h"

#include "runtime/base/parse_number.h"

namespace stagebox::cli {
namespace {

// The text may be the secret itself, and is not shown.
std::pair<std::string, std::string> given_secret(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos || at == 0)
    throw CLI::ValidationError(
        "--secret is not of the form NAME=env:VAR, NAME=file:PATH or NAME=stdin");
  return {text.substr(0, at), text.substr(at + 1)};
}

std::pair<std::string, std::string> asked_secret(const std::string& text) {
  const std::size_t at = text.find('=');
  if (at == std::string::npos && !text.empty()) return {text, ""};
  return given_secret(text);
}

}  // namespace

std::pair<std::string, std::string> split_at(const std::string& text, char separator,
                                             const std::string& form) {
  const std::size_t at = text.find(separator);
  if (at == std::string::npos || at == 0)
    throw CLI::ValidationError("\"" + text + "\" is not of the form " + form);
  return {text.substr(0, at), text.substr(at + 1)};
}

CLI::Validator whole_number(std::uint64_t from, std::uint64_t to) {
  const auto check = [from, to](const std::string& text) -> std::string {
    const auto number = base::parse_number<std::uint64_t>(text);
    if (number && *number >= from && *number <= to) return "";
    const std::string end =
        to == std::numeric_limits<std::uint64_t>::max() ? " on" : " to " + std::to_string(to);
    return base::printable(text) + " is not a whole number from " + std::to_string(from) + end;
  };
  return CLI::Validator(check, "");
}

CLI::Validator quiet(const CLI::Validator& check) { return check.description(""); }

void may_repeat(CLI::Option* option) { option->expected(1)->take_all()->allow_extra_args(false); }

CLI::Option* add_repeated(CLI::App* app, const std::string& name, std::vector<std::string>& values,
                          const std::string& help) {
  CLI::Option* option = app->add_option(name, values, help);
  may_repeat(option);
  return option;
}

void add_jobs(CLI::App* app, std::size_t& jobs, const std::string& otherwise) {
  app->add_option("--jobs,-j", jobs,
                  "Stages that run at the same time (default: " + otherwise + ")")
      ->check(whole_number(1, 1024))
      ->type_name("N");
}

void add_json(CLI::App* app, OutputFormat& format) {
  app->add_flag_callback("--json", [&format] { format = OutputFormat::kJson; }, "Print JSON");
}

void add_trust(CLI::App* app, TrustOptions& options) {
  app->add_option("--trust", options.trust,
                  "Whether the files and images may be trusted; untrusted: no secrets, and only "
                  "what the policy permits (default: trusted)")
      ->transform(one_of<base::Trust>(
          {{"trusted", base::Trust::kTrusted}, {"untrusted", base::Trust::kUntrusted}}))
      ->type_name("trusted|untrusted");
  app->add_option("--policy", options.policy,
                  "What sandboxes may have at most, within the machine's policy")
      ->type_name("FILE");
}

std::pair<std::string, std::optional<std::string>> split_name(const std::string& text,
                                                              const std::string& form) {
  if (text.find('=') == std::string::npos && !text.empty()) return {text, std::nullopt};
  return split_at(text, '=', form);
}

void add_asked_secrets(CLI::App* app, std::vector<std::pair<std::string, std::string>>& secrets,
                       const std::string& help) {
  add_repeated(app, "--secret", secrets, asked_secret, help)
      ->type_name("NAME[=env:VAR|file:PATH|stdin]");
}

void add_secrets(CLI::App* app, std::vector<std::pair<std::string, std::string>>& secrets) {
  add_repeated(app, "--secret", secrets, given_secret, "A secret for the stages that declare it")
      ->type_name("NAME=env:VAR|file:PATH|stdin");
}

void add_reports(CLI::App* app, ReportOptions& reports) {
  app->add_option("--events", reports.events, "Write what happens as JSON Lines, for programs")
      ->type_name("FILE");
  app->add_option("--trace", reports.trace,
                  "Write when what ran, for a viewer such as Perfetto or chrome://tracing")
      ->type_name("FILE");
  app->add_option(
         "--report", reports.page,
         "Write DIR/index.html at the end: graph, timeline, logs and artifacts, for people")
      ->type_name("DIR");
}

void add_pipeline(CLI::App* app, PipelineOptions& options) {
  app->add_option("FILE", options.file, "The pipeline file")->capture_default_str();
  add_repeated(
      app, "--param", options.params,
      [](const std::string& text) { return split_at(text, '=', "NAME=VALUE"); },
      "Set a parameter of the pipeline")
      ->type_name("NAME=VALUE");
}

}  // namespace stagebox::cli
