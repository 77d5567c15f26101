// Which process a number means: in which pid namespace it counts, and when its process began.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/run/engine/intent.h"

namespace stagebox::run {

/// None where it cannot be told, without /proc for example.
std::optional<FileId> own_pid_namespace();
/// In ticks since boot (proc_pid_stat(5), starttime); none when there is no such process here.
std::optional<std::uint64_t> process_start(pid_t pid);
/// Both, for the note of this process's instance.
std::string note_of_this_process();

}  // namespace stagebox::run
