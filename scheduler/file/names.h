// Names: what a stage, an output, a parameter, an image and an environment variable may be called.
#pragma once

#include <string>
#include <string_view>

#include "scheduler/diagnostics.h"

namespace stagebox::scheduler {

/// Each kind says in its message which characters are allowed, and why if it is not obvious.
enum class NameKind {
  kStage,    ///< [A-Za-z0-9_][A-Za-z0-9_.-]*, up to 64: also a directory and a command-line word.
  kImage,    ///< The same.
  kMutex,    ///< The same.
  kService,  ///< [a-z0-9][a-z0-9-]*, up to 63: also a host name.
  kOutput,   ///< The same without dots: in STAGE.OUTPUT the last dot separates.
  kParam,    ///< [A-Za-z_][A-Za-z0-9_]*, up to 64: becomes part of a variable's name.
  kSecret,   ///< The same: becomes the name of a file, and of a variable on request.
  kEnv,      ///< The same up to 255, and not beginning with STAGEBOX_, which is ours.
};

/// Adds what is wrong with `name`; true when nothing is.
bool check_name(NameKind kind, std::string_view name, Position position, Diagnostics& diagnostics);

}  // namespace stagebox::scheduler
