// ExitReport: how a sandbox ended and what it used. It says what became of the stage's command;
// that we failed is an Error and never in here.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

namespace stagebox::sandbox {

struct Exited {
  int status = 0;
  std::string note;  ///< Why there was no program to run (status 126 or 127); usually empty.
};
struct Signaled {
  int signal = 0;
};
struct TimedOut {
  std::chrono::milliseconds limit{};
};
struct OomKilled {
  std::uint64_t limit = 0;  ///< bytes
};
struct LimitHit {
  enum class Which { kPids, kDisk, kLog };
  Which which = Which::kLog;
  std::uint64_t limit = 0;  ///< tasks or bytes
};
struct SyscallDenied {
  std::string name;
};
struct Cancelled {};

using ExitCause =
    std::variant<Exited, Signaled, TimedOut, OomKilled, LimitHit, SyscallDenied, Cancelled>;

/// What the sandbox used. CPU times and peak memory come from the cgroup where there is one, else
/// from what pid 1 reaped (then peak memory is that of the largest single process).
struct Usage {
  std::chrono::milliseconds wall{};        ///< From start to the death of the last process.
  std::chrono::microseconds user_cpu{};    ///< All processes.
  std::chrono::microseconds system_cpu{};  ///< All processes.
  std::uint64_t peak_memory = 0;           ///< Bytes.
  std::uint64_t processes = 0;             ///< Reaped by pid 1.
  std::uint64_t log_bytes = 0;             ///< Written to stdout and stderr.
};

struct ExitReport {
  ExitCause cause;
  Usage usage;

  /// The command ended by itself with status 0.
  [[nodiscard]] bool succeeded() const;
  /// As a shell tells it: the status, or 128 + signal; 137 for what we killed.
  [[nodiscard]] int shell_status() const;
  /// "exited with status 1", "killed: ran longer than its timeout of 10m", ...
  [[nodiscard]] std::string describe() const;
};

}  // namespace stagebox::sandbox
