// In which pid namespace this process is: numbers of processes mean something only within one.
#pragma once

#include <optional>

#include "runtime/run/engine/intent.h"

namespace stagebox::run {

/// None where it cannot be told, without /proc for example.
std::optional<FileId> own_pid_namespace();

}  // namespace stagebox::run
