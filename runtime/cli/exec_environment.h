// The variables that `stagebox exec` was given for its command: --env and --env-file.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/cli/command_line/options.h"

namespace stagebox::cli {

/// A variable of Stagebox's own environment.
using LookUp = std::function<std::optional<std::string>(const std::string& name)>;

/// `text` as docker and podman read such a file: NAME=VALUE a line, the value as it stands there,
/// quotes and all; NAME alone has the value that `look_up` finds, and is left out without one;
/// lines that are empty or begin with # say nothing. kInvalid names `file` and the line.
base::Result<std::map<std::string, std::string>> parse_environment_file(std::string_view text,
                                                                        const std::string& file,
                                                                        const LookUp& look_up);

/// The files in their order, then what --env says. Reads the files, 1 MiB of each at most.
base::Result<std::map<std::string, std::string>> asked_environment(const ExecOptions& options);

}  // namespace stagebox::cli
