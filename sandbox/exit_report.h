// ExitReport: how a sandbox ended and what it used. It says what became of the stage's command;
// that we failed is an Error and never in here.
#pragma once

#include <chrono>
#include <csignal>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sandbox/cgroup/cgroup_usage.h"

namespace stagebox::sandbox {

/// What wait(2) tells of a process that is over, as a shell tells it: its status, or 128 + signal.
int shell_status_of(int wait_status);

struct Exited {
  int status = 0;
  std::string note;  ///< Why there was no program to run (status 126 or 127); usually empty.
};
struct Signaled {
  int signal = 0;
};
struct TimedOut {
  std::chrono::milliseconds limit{};
  std::string set_by = {};  ///< For messages: whose it is, where nobody asked for it.
};
struct OomKilled {
  /// Bytes; 0: it was not the sandbox's limit, the machine or a cgroup above had no memory left.
  std::uint64_t limit = 0;
};
struct LimitHit {
  enum class Which {
    kPids,
    kDisk,
    kInodes,
    kLog,
    kCpuTime,
    kHostDisk,      ///< It filled the file system of the state directory up to the reserve.
    kHostDiskFull,  ///< That is full, and the sandbox holds next to nothing of it: not its fault.
  };
  Which which = Which::kLog;
  std::uint64_t limit = 0;  ///< Tasks, bytes, files, or milliseconds.
  /// As wait(2) tells it: how the command itself ended, which was refused something and went on;
  /// none: it was killed for the limit.
  std::optional<int> wait_status = std::nullopt;
};
/// "pids", "disk", ...: as in the pipeline file.
const char* limit_name(LimitHit::Which which);
struct Cancelled {
  int signal = SIGTERM;  ///< What its processes were told.
  /// How the command itself ended then, as a shell tells it; none: it had to be killed.
  std::optional<int> status = std::nullopt;
};

/// A system call that the filter did not allow, by name.
struct DeniedSyscall {
  std::string name;
  std::uint64_t count = 0;  ///< How often.
};

using ExitCause = std::variant<Exited, Signaled, TimedOut, OomKilled, LimitHit, Cancelled>;

/// What the sandbox used. CPU times and peak memory come from the cgroup where there is one, else
/// from what pid 1 reaped (then peak memory is the resident set of the largest single process).
struct Usage {
  std::chrono::milliseconds wall{};        ///< From start to the death of the last process.
  std::chrono::microseconds user_cpu{};    ///< In user mode, all processes.
  std::chrono::microseconds system_cpu{};  ///< In the kernel, all processes.
  /// How long its threads, added up, were held back by the limit of `cpus`.
  std::chrono::microseconds cpu_throttled{};
  std::uint64_t peak_memory = 0;  ///< Bytes, page cache and tmpfs included.
  /// Reaped by pid 1: the stage's own and orphans. 0: not known, it was killed with all the others.
  std::uint64_t processes = 0;
  std::uint64_t log_bytes = 0;  ///< Taken from stdout and stderr.
  /// Bytes from and to disks; what the page cache answered is not among them. Zero without a cgroup
  /// that has the io controller; in v1 writes through the page cache are not counted.
  std::uint64_t read_bytes = 0;
  std::uint64_t written_bytes = 0;
  /// The most that was seen in use of a disk with a limit; see DiskGauge. None without one.
  std::optional<std::uint64_t> peak_disk = std::nullopt;    ///< Bytes.
  std::optional<std::uint64_t> peak_inodes = std::nullopt;  ///< Files and directories.
  /// How long at least one process waited for CPU, memory or disk (psi.rst, "some"); cgroup v2
  /// only.
  std::optional<Pressure> pressure;
};

/// A limit that may be why a command failed. That it was reached is not the same as that it was the
/// reason, so it is for people: nothing may be decided by it.
struct LikelyLimit {
  enum class Which {
    kOpenFiles,  ///< Of each process; told by the last words of the command, and not by the kernel.
    kTmpfs,      ///< Bytes of a file system in memory that has a limit of its own.
    kTmpfsInodes,     ///< Files and directories of one.
    kDisk,            ///< Bytes of everything writable, which had room again at the end.
    kInodes,          ///< Files and directories of the same.
    kProcessCpuTime,  ///< Seconds of each process; see cpu_rlimit.h.
  };
  enum class ToldBy {
    kKernel,
    kLog,  ///< The last words of the command.
  };
  Which which = Which::kOpenFiles;
  std::uint64_t limit = 0;
  std::string path = {};  ///< Of a file system in memory: where it is, inside.
  ToldBy told_by = ToldBy::kKernel;
};

struct ExitReport {
  ExitCause cause;
  Usage usage;
  std::vector<DeniedSyscall> denied_syscalls = {};  ///< Where the filter reports them.
  std::vector<LikelyLimit> likely_limits = {};      ///< Only of a command that failed by itself.
  /// By the kernel's word, beside the cause; only of a command that did not succeed.
  std::vector<LimitHit> also_reached = {};

  /// The command ended by itself with status 0.
  [[nodiscard]] bool succeeded() const;
  /// It was not killed: it ended with a status or by a signal of its own, whatever was refused to
  /// it before.
  [[nodiscard]] bool ended_by_itself() const;
  /// As a shell tells it: the status, or 128 + signal; 137 for what we killed, 124 for a timeout.
  [[nodiscard]] int shell_status() const;
  /// "exited with status 1", "killed: ran longer than its timeout of 10m", ...
  [[nodiscard]] std::string describe() const;
};

}  // namespace stagebox::sandbox
