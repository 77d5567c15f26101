#include "sandbox/exit_report.h"

#include <sys/wait.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "runtime/base/units.h"

namespace stagebox::sandbox {
namespace {

std::string signal_name(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? "SIG" + std::string(name) : "signal " + std::to_string(signal);
}

std::string describe_limit(const LimitHit& hit) {
  switch (hit.which) {
    case LimitHit::Which::kPids:
      return "reached its limit of " + std::to_string(hit.limit) +
             " processes and threads (resources.pids)";
    case LimitHit::Which::kDisk:
      return "filled its disk limit of " + base::format_bytes(hit.limit) + " (resources.disk)";
    case LimitHit::Which::kInodes:
      return "reached its limit of " + std::to_string(hit.limit) +
             " files and directories (resources.inodes)";
    case LimitHit::Which::kCpuTime:
      return "killed: used more than its CPU time of " +
             base::format_duration(std::chrono::milliseconds(hit.limit)) + " (resources.cpu_time)";
    case LimitHit::Which::kHostDisk:
      return "killed: filled the disk of the state directory up to the reserve of " +
             base::format_bytes(hit.limit) + " (give the stage a resources.disk)";
    case LimitHit::Which::kHostDiskFull:
      return "killed: the disk of the state directory was full, and not of what was written here";
    case LimitHit::Which::kLog:
      break;
  }
  return "killed: wrote more than " + base::format_bytes(hit.limit) + " of log (resources.log)";
}

std::string describe_likely(const LikelyLimit& likely) {
  const std::string who_says =
      likely.told_by == LikelyLimit::ToldBy::kLog ? ", going by the end of its log" : "";
  const std::string full = likely.path + " was full, which takes ";
  const std::string remedy = likely.path == "/dev/shm" ? " (resources.shm_size)" : "";
  switch (likely.which) {
    case LikelyLimit::Which::kTmpfs:
      return full + base::format_bytes(likely.limit) + remedy;
    case LikelyLimit::Which::kTmpfsInodes:
      return full + std::to_string(likely.limit) + " files and directories" + remedy;
    case LikelyLimit::Which::kDisk:
      return "its disk limit of " + base::format_bytes(likely.limit) +
             " (resources.disk) was reached before it made room again" + who_says;
    case LikelyLimit::Which::kInodes:
      return "its limit of " + std::to_string(likely.limit) +
             " files and directories (resources.inodes) was reached before it made room again" +
             who_says;
    case LikelyLimit::Which::kProcessCpuTime:
      return "of its limit of " + base::counted(likely.limit, "second") +
             " of CPU time for each process (--ulimit cpu)";
    case LikelyLimit::Which::kOpenFiles:
      break;
  }
  return "of its limit of " + std::to_string(likely.limit) + " open files (resources.open_files)" +
         who_says;
}

struct Describe {
  std::string operator()(const Exited& end) const {
    if (!end.note.empty()) return end.note;
    return "exited with status " + std::to_string(end.status);
  }
  std::string operator()(const Signaled& end) const {
    // A dead process's status says neither which call it was nor whether it was one at all.
    const bool maybe_filter = end.signal == SIGSYS;
    return "killed by " + signal_name(end.signal) +
           (maybe_filter ? ", by the system call filter or by a signal that was sent" : "");
  }
  std::string operator()(const TimedOut& end) const {
    return "killed: ran longer than its timeout of " + base::format_duration(end.limit) +
           (end.set_by.empty() ? "" : ", set by " + end.set_by);
  }
  std::string operator()(const OomKilled& end) const {
    if (end.limit == 0)
      return "killed: the machine, or a limit above this one's, ran out of memory";
    return "killed: needed more than its memory limit of " + base::format_bytes(end.limit) +
           " (resources.memory)";
  }
  std::string operator()(const LimitHit& end) const {
    if (!end.wait_status) return describe_limit(end);
    return describe_limit(end) + ", and ended with status " +
           std::to_string(shell_status_of(*end.wait_status));
  }
  std::string operator()(const Cancelled& end) const {
    if (!end.status) return "cancelled by " + signal_name(end.signal) + ", and killed";
    return "cancelled by " + signal_name(end.signal) + ", with status " +
           std::to_string(*end.status);
  }
};

// A limit of disk keeps files in memory, where they fill the limit of that: who wrote much would
// look for a leak instead. Something is always there, so a tenth is the least that is told.
std::string describe_files_in_memory(const ExitReport& report) {
  const auto* oom = std::get_if<OomKilled>(&report.cause);
  const std::uint64_t files = report.usage.peak_disk.value_or(0);
  if (oom == nullptr || oom->limit == 0 || files < std::max<std::uint64_t>(oom->limit / 10, 1))
    return "";
  return ", of which up to " + base::format_bytes(files) +
         " were files (with resources.disk they are kept in memory)";
}

}  // namespace

int shell_status_of(int wait_status) {
  return WIFSIGNALED(wait_status) ? 128 + WTERMSIG(wait_status) : WEXITSTATUS(wait_status);
}

const char* limit_name(LimitHit::Which which) {
  switch (which) {
    case LimitHit::Which::kPids:
      return "pids";
    case LimitHit::Which::kDisk:
      return "disk";
    case LimitHit::Which::kInodes:
      return "inodes";
    case LimitHit::Which::kLog:
      return "log";
    case LimitHit::Which::kCpuTime:
      return "cpu_time";
    case LimitHit::Which::kHostDisk:
      return "host_disk";
    case LimitHit::Which::kHostDiskFull:
      return "host_disk_full";
  }
  return "";
}

bool ExitReport::succeeded() const {
  const auto* exited = std::get_if<Exited>(&cause);
  return exited != nullptr && exited->status == 0;
}

bool ExitReport::ended_by_itself() const {
  if (const auto* hit = std::get_if<LimitHit>(&cause)) return hit->wait_status.has_value();
  return std::holds_alternative<Exited>(cause) || std::holds_alternative<Signaled>(cause);
}

int ExitReport::shell_status() const {
  if (const auto* exited = std::get_if<Exited>(&cause)) return exited->status;
  if (const auto* signaled = std::get_if<Signaled>(&cause)) return 128 + signaled->signal;
  if (std::holds_alternative<TimedOut>(cause)) return 124;
  if (const auto* cancelled = std::get_if<Cancelled>(&cause))
    return cancelled->status.value_or(128 + SIGKILL);
  if (const auto* hit = std::get_if<LimitHit>(&cause); hit != nullptr && hit->wait_status)
    return shell_status_of(*hit->wait_status);
  return 128 + SIGKILL;
}

std::string ExitReport::describe() const {
  std::string text = std::visit(Describe{}, cause) + describe_files_in_memory(*this);
  for (const DeniedSyscall& denied : denied_syscalls) {
    text += &denied == &denied_syscalls.front() ? "; system calls that were not allowed: " : ", ";
    text += denied.name + " (" + std::to_string(denied.count) + ")";
  }
  for (const LikelyLimit& likely : likely_limits) {
    text += &likely == &likely_limits.front() ? "; likely because " : ", or because ";
    text += describe_likely(likely);
  }
  for (const LimitHit& hit : also_reached) text += "; it also " + describe_limit(hit);
  return text;
}

}  // namespace stagebox::sandbox
