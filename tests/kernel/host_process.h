// A process as the host sees it: by its number here, not by the one that it has in its sandbox.
#pragma once

#include <sys/types.h>

#include <functional>
#include <string>
#include <vector>

namespace stagebox::testing {

/// The number of the process behind a pidfd (/proc/self/fdinfo/FD, "Pid:").
std::string pid_behind(int pidfd);

/// The value of "Key:\tvalue" in its /proc/PID/status; empty when it has none or is gone.
std::string status_of(const std::string& pid, const std::string& key);

/// Neither gone nor a zombie that nobody has waited for.
bool is_alive(const std::string& pid);

/// Whether this process has started it, or the one that has, and so on.
bool descends_from_us(const std::string& pid);

/// Every process there is for which `matches` holds.
std::vector<std::string> processes(const std::function<bool(const std::string& pid)>& matches);

/// Asks again until it holds, for ten seconds. False when it did not.
bool becomes_true(const std::function<bool()>& holds);

/// Whom the files in /proc/PID belong to that only who may trace a process can read: its own user,
/// or, of a process that is not dumpable, root (proc.rst).
uid_t owner_of_memory(const std::string& pid);

}  // namespace stagebox::testing
