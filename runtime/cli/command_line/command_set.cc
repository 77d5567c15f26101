#include "runtime/cli/command_line/command_set.h"

#include "runtime/base/version.h"

namespace stagebox::cli {

CommandSet::CommandSet() : app_("Runs CI pipelines in sandboxes. No daemon, no root.", "stagebox") {
  app_.require_subcommand(1);
  app_.set_version_flag("--version", base::kVersion);
  app_.failure_message(CLI::FailureMessage::simple);
}

CLI::App* CommandSet::add_group(const std::string& name, const std::string& help) {
  CLI::App* group = app_.add_subcommand(name, help);
  group->require_subcommand(1);
  return group;
}

}  // namespace stagebox::cli
