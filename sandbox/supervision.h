// Supervision: stays with a sandbox until its last process is dead, moves its output, and enforces
// what the kernel does not: wall time, log size, cancellation. Its result is the ExitReport.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/exit_report.h"
#include "sandbox/sandbox.h"

namespace stagebox::sandbox {

struct OutputStream {
  base::UniqueFd read_end;  ///< Of a pipe whose only writers are in the sandbox.
  /// Gets every byte in order; an error stops the sandbox and is returned by supervise.
  std::function<base::Result<void>(std::span<const std::byte>)> sink;
};

struct Supervision {
  /// Wall time from now; none: unlimited.
  std::optional<std::chrono::milliseconds> timeout;
  /// Between SIGTERM and SIGKILL, after a timeout or a cancellation. Zero: SIGKILL at once.
  std::chrono::milliseconds grace{std::chrono::seconds(5)};
  /// Readable when the run is cancelled; -1: never.
  int cancel_fd = -1;
  /// Bytes of all streams together. Every resource that a stage controls has a limit; 1 GiB is far
  /// more than a person reads and little for a disk.
  std::uint64_t log_limit = std::uint64_t{1} << 30;
  std::vector<OutputStream> outputs;
  /// For the report only; see SandboxSpec.
  Limits limits;
  /// Asked after the end, when there is a disk limit: was it full?
  std::function<bool()> disk_full;
};

/// Blocks until the sandbox is dead and its output is read to the end.
base::Result<ExitReport> supervise(Sandbox& sandbox, Supervision supervision);

}  // namespace stagebox::sandbox
