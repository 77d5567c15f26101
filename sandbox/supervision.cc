#include "sandbox/supervision.h"

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

namespace stagebox::sandbox {
namespace {

using base::Result;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kBufferSize = std::size_t{64} << 10;

class Supervisor {
 public:
  Supervisor(Sandbox& sandbox, Supervision supervision)
      : sandbox_(sandbox), supervision_(std::move(supervision)), start_(Clock::now()) {
    if (supervision_.timeout) deadline_ = start_ + *supervision_.timeout;
  }

  Result<ExitReport> run() {
    Result<void> failure;
    while (!dead_ || open_streams() > 0) {
      auto stepped = step();
      if (stepped.ok() || !failure.ok()) continue;
      // Nobody takes the output any more: end the sandbox, and go on until it is dead.
      failure = std::move(stepped);
      supervision_.outputs.clear();
      kill_now();
    }
    TRY(std::move(failure));
    return make_report();
  }

 private:
  std::size_t open_streams() const {
    return static_cast<std::size_t>(
        std::count_if(supervision_.outputs.begin(), supervision_.outputs.end(),
                      [](const OutputStream& stream) { return stream.read_end.valid(); }));
  }

  Result<void> step() {
    // Slots 0 and 1 are always there; poll(2) skips negative descriptors.
    std::vector<struct pollfd> polled{{dead_ ? -1 : sandbox_.pidfd(), POLLIN, 0},
                                      {ending_ ? -1 : supervision_.cancel_fd, POLLIN, 0}};
    for (const OutputStream& stream : supervision_.outputs) {
      polled.push_back({stream.read_end.get(), POLLIN, 0});
    }
    if (::poll(polled.data(), polled.size(), poll_timeout()) < 0 && errno != EINTR) {
      return base::errno_error("wait for a sandbox");
    }
    if (polled[0].revents != 0) dead_ = true;
    if (polled[1].revents != 0) end_with(Cancelled{});
    if (!dead_ && deadline_ && Clock::now() >= *deadline_) on_deadline();
    for (std::size_t i = 2; i < polled.size(); ++i) {
      if (polled[i].revents != 0) TRY(pump(supervision_.outputs[i - 2]));
    }
    return {};
  }

  int poll_timeout() const {
    if (dead_ || !deadline_) return -1;
    const auto left = std::chrono::ceil<milliseconds>(*deadline_ - Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
  }

  void on_deadline() {
    if (ending_) {
      kill_now();
    } else {
      end_with(TimedOut{*supervision_.timeout});
    }
  }

  // Asks first, kills after the grace time.
  void end_with(ExitCause cause) {
    if (ending_) return;
    ending_ = true;
    imposed_ = std::move(cause);
    if (supervision_.grace == milliseconds::zero()) return kill_now();
    (void)sandbox_.signal(SIGTERM);
    deadline_ = Clock::now() + supervision_.grace;
  }

  void kill_now() {
    ending_ = true;
    deadline_.reset();
    (void)sandbox_.signal(SIGKILL);
  }

  Result<void> pump(OutputStream& stream) {
    std::array<std::byte, kBufferSize> buffer{};
    const ssize_t count = ::read(stream.read_end.get(), buffer.data(), buffer.size());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) return {};
    if (count < 0) return base::errno_error("read the output of a sandbox");
    if (count == 0) {
      stream.read_end.reset();
      return {};
    }
    const auto allowed = std::min<std::uint64_t>(static_cast<std::uint64_t>(count),
                                                 supervision_.log_limit - log_bytes_);
    log_bytes_ += allowed;
    TRY(stream.sink(std::span(buffer.data(), allowed)));
    if (allowed < static_cast<std::uint64_t>(count)) {
      if (!imposed_) imposed_ = LimitHit{LimitHit::Which::kLog, supervision_.log_limit};
      stream.read_end.reset();
      kill_now();
    }
    return {};
  }

  Result<ExitReport> make_report() {
    const auto record = sandbox_.exit_record();
    const CgroupUsage kernel = sandbox_.cgroup_usage();
    ExitReport report;
    report.usage.wall = std::chrono::duration_cast<milliseconds>(Clock::now() - start_);
    report.usage.log_bytes = log_bytes_;
    report.usage.peak_memory = kernel.peak_memory;
    report.usage.user_cpu = kernel.user_cpu;
    report.usage.system_cpu = kernel.system_cpu;
    if (record) fill_from(*record, report.usage);
    report.cause = cause(record, kernel);
    return report;
  }

  static void fill_from(const child::ExitRecord& record, Usage& usage) {
    usage.processes = record.processes;
    if (usage.peak_memory == 0) usage.peak_memory = record.max_rss_kib * 1024;
    if (usage.user_cpu.count() == 0) usage.user_cpu = std::chrono::microseconds(record.user_usec);
    if (usage.system_cpu.count() == 0)
      usage.system_cpu = std::chrono::microseconds(record.system_usec);
  }

  ExitCause cause(const std::optional<child::ExitRecord>& record, const CgroupUsage& kernel) const {
    if (imposed_) return *imposed_;
    if (const auto& failure = sandbox_.exec_failure()) return cannot_execute(*failure);
    const bool clean =
        record && WIFEXITED(record->wait_status) && WEXITSTATUS(record->wait_status) == 0;
    // A stage that lived with what was refused to it has succeeded; for one that failed it is the
    // reason.
    if (!clean && kernel.oom_kills > 0) return OomKilled{supervision_.limits.memory.value_or(0)};
    if (!clean && supervision_.limits.disk && supervision_.disk_full && supervision_.disk_full()) {
      return LimitHit{LimitHit::Which::kDisk, *supervision_.limits.disk};
    }
    if (!clean && kernel.pids_refused > 0)
      return LimitHit{LimitHit::Which::kPids, supervision_.limits.pids.value_or(0)};
    if (!record) return Signaled{SIGKILL};
    if (WIFSIGNALED(record->wait_status)) {
      const int signal = WTERMSIG(record->wait_status);
      if (signal == SIGSYS) return SyscallDenied{"of another architecture"};
      return Signaled{signal};
    }
    return Exited{WEXITSTATUS(record->wait_status), ""};
  }

  // As shells do: 127 when there is no such command, 126 when it is there and cannot be executed.
  static ExitCause cannot_execute(const ExecFailure& failure) {
    std::string note = "cannot execute \"" + failure.command +
                       "\" in the image: " + base::errno_text(failure.error);
    if (failure.error == ENOENT)
      note += " (the file, or the interpreter that it names, is not there)";
    return Exited{failure.error == ENOENT ? 127 : 126, std::move(note)};
  }

  Sandbox& sandbox_;
  Supervision supervision_;
  Clock::time_point start_;
  std::optional<Clock::time_point> deadline_;
  std::optional<ExitCause> imposed_;
  std::uint64_t log_bytes_ = 0;
  bool ending_ = false;
  bool dead_ = false;
};

}  // namespace

Result<ExitReport> supervise(Sandbox& sandbox, Supervision supervision) {
  return Supervisor(sandbox, std::move(supervision)).run();
}

}  // namespace stagebox::sandbox
