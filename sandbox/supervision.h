// Supervision: stays with a sandbox until its last process is dead, moves its output, and enforces
// what the kernel does not: wall time, log size, cancellation. Its result is the ExitReport.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/disk_gauge.h"
#include "sandbox/exit_report.h"
#include "sandbox/last_words.h"
#include "sandbox/sandbox.h"
#include "sandbox/spec/process_spec.h"

namespace stagebox::sandbox {

/// Every resource that a stage controls has a limit; 1 GiB is far more than a person reads and
/// little for a disk.
inline constexpr std::uint64_t kDefaultLog = std::uint64_t{1} << 30;

struct OutputStream {
  base::UniqueFd read_end;  ///< Of a pipe whose only writers are in the sandbox.
  /// Gets every byte in order; an error stops the sandbox and is returned by supervise.
  std::function<base::Result<void>(std::span<const std::byte>)> sink;
  /// Memory of the sink, where it wants what it gets next, or nothing of it, to be. It is not
  /// cleared of what a stage wrote. Empty, or not there: ours.
  std::function<std::span<std::byte>()> room = {};
  bool is_widened = false;  ///< Its pipe was made larger, or that was tried.
  LastWords last_words = {};
};

/// A limit that nobody is told of when it is reached: it has to be looked at. `look` answers that
/// it was hit, or after how long it could be at the earliest; that is when it is asked again.
struct Watch {
  struct Answer {
    std::optional<LimitHit> hit;
    std::chrono::milliseconds again{};
  };
  std::function<Answer()> look;
};

struct Supervision {
  /// Wall time from now; none: unlimited.
  std::optional<std::chrono::milliseconds> timeout;
  std::string timeout_set_by = {};  ///< TimedOut::set_by
  /// Between SIGTERM and SIGKILL, after a timeout or a cancellation. Zero: SIGKILL at once.
  std::chrono::milliseconds grace{std::chrono::seconds(5)};
  /// Readable when the run is cancelled; -1: never.
  int cancel_fd = -1;
  /// Readable when that is not to wait for the grace time; -1: never.
  int hurry_fd = -1;
  /// As cancel_fd, for when something that the sandbox needs is gone.
  int lost_fd = -1;
  /// A pipe that does not block; -1: none. Each byte is the number of a signal for pid 1, which
  /// passes it on (sandbox/child/reaper.h). SIGINT, SIGTERM, SIGHUP and SIGQUIT cancel with that;
  /// when there is another during the grace time, it is over.
  int signals_fd = -1;
  std::vector<OutputStream> outputs;
  /// Enforced here: `log` (kDefaultLog without) and `cpu_time`. The others are for the report.
  Limits limits;
  /// How many descriptors each process may have, for the report; none: not known.
  std::optional<std::uint64_t> open_files;
  /// RLIMIT_CPU of each process, for the report; none: there is none.
  std::optional<Rlimit> cpu_rlimit;
  /// The sandbox is killed when one of them is hit.
  std::vector<Watch> watches;
  /// Of a disk with a limit: looked at until after the end. What it refuses ends nothing.
  std::optional<DiskGauge> disk;
};

/// Blocks until the sandbox is dead and its output is read to the end. kSystem when somebody
/// outside killed it: that is no word about what ran in it.
base::Result<ExitReport> supervise(Sandbox& sandbox, Supervision supervision);

}  // namespace stagebox::sandbox
