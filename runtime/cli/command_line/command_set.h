// CommandSet: the commands of the command line as they are described to CLI11, and the options of
// the one that is given.
#pragma once

#include <CLI/CLI.hpp>

#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "runtime/cli/command_line/options.h"

namespace stagebox::cli {

class CommandSet {
 public:
  CommandSet();

  /// A command whose options become the result when it is given. They live as long as this does.
  template <typename T>
  std::pair<CLI::App*, T&> add(const std::string& name, const std::string& help) {
    return add<T>(&app_, name, help);
  }
  /// The same below a group, such as `import` of `image import`.
  template <typename T>
  std::pair<CLI::App*, T&> add(CLI::App* group, const std::string& name, const std::string& help) {
    CLI::App* app = group->add_subcommand(name, help);
    auto options = std::make_shared<T>();
    app->callback([this, options] { result_ = std::move(*options); });
    T& reference = *options;
    return {app, reference};
  }
  /// A word after which one of its own commands has to stand.
  CLI::App* add_group(const std::string& name, const std::string& help);

  /// `stagebox` itself.
  CLI::App& root() { return app_; }
  /// After parsing without an exception: what was given.
  Options take() { return std::move(*result_); }

 private:
  CLI::App app_;
  std::optional<Options> result_;
};

}  // namespace stagebox::cli
