#include "runtime/cli/command_line/command_set.h"

#include <cstddef>
#include <memory>
#include <string>

#include "runtime/base/version.h"

namespace stagebox::cli {

namespace {

/// As the library writes help, but for flags that may have a value: --flag[=VALUE].
class HelpFormatter : public CLI::Formatter {
 public:
  std::string make_option_name(const CLI::Option* option, bool is_positional) const override {
    std::string name = CLI::Formatter::make_option_name(option, is_positional);
    const std::size_t value = name.find('{');
    if (value == std::string::npos) return name;
    return name.substr(0, value) + "[=" + option->get_type_name() + "]";
  }
  std::string make_option_opts(const CLI::Option* option) const override {
    const bool is_told = option->get_name(false, true).find('{') != std::string::npos;
    return is_told ? "" : CLI::Formatter::make_option_opts(option);
  }
};

}  // namespace

CommandSet::CommandSet() : app_("Runs CI pipelines in sandboxes. No daemon, no root.", "stagebox") {
  app_.require_subcommand(1);
  app_.set_version_flag("--version", base::kVersion);
  app_.formatter(std::make_shared<HelpFormatter>());
  app_.failure_message(CLI::FailureMessage::simple);
}

CLI::App* CommandSet::add_group(const std::string& name, const std::string& help) {
  CLI::App* group = app_.add_subcommand(name, help);
  group->require_subcommand(1);
  return group;
}

}  // namespace stagebox::cli
