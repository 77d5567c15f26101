#include "sandbox/supervision.h"

#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <memory>
#include <utility>

#include "sandbox/cpu_rlimit.h"
#include "sandbox/cpu_time_watch.h"
#include "sandbox/held_tmpfs.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr std::size_t kBufferSize = std::size_t{64} << 10;
constexpr std::size_t kBusyBufferSize = std::size_t{256} << 10;
// A stage that fills its pipe waits for us at each 64 KiB; with room for more, both go on. What a
// user may have in pipes is limited (pipe(7), pipe-user-pages-soft), so only those that write much
// get it.
constexpr int kBusyPipe = 512 << 10;

// What the dead wrote is in their pipes, and soon through their terminal. Whoever outside got one
// of these handed (over a socket in a directory that was mounted) could keep us waiting.
constexpr milliseconds kQuiet(200);
constexpr milliseconds kLongestAfterDeath(5000);

constexpr std::string_view kKilledFromOutside =
    "the sandbox was killed from outside: its pid 1, which nobody inside can kill, is dead";

// The kernel takes some time from the news that memory ran out to the end of its victim.
constexpr int kMemoryLooks = 20;
constexpr milliseconds kMemoryLook(50);

class Supervisor {
 public:
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;
  Supervisor(Sandbox& sandbox, Supervision supervision)
      : sandbox_(sandbox),
        supervision_(std::move(supervision)),
        start_(Clock::now()),
        log_limit_(supervision_.limits.log.value_or(kDefaultLog)) {
    if (supervision_.timeout) deadline_ = start_ + *supervision_.timeout;
    if (supervision_.limits.cpu_time)
      supervision_.watches.push_back(watch_cpu_time(sandbox_, supervision_.limits));
    if (supervision_.disk)
      supervision_.watches.push_back(
          {[this] { return Watch::Answer{std::nullopt, supervision_.disk->look()}; }});
    look_at_.resize(supervision_.watches.size(), start_);
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
    // The first slots are always there; poll(2) skips negative descriptors.
    std::vector<struct pollfd> polled{{dead_ ? -1 : sandbox_.pidfd(), POLLIN, 0},
                                      {ending_ || dead_ ? -1 : supervision_.cancel_fd, POLLIN, 0},
                                      {ending_ || dead_ ? -1 : supervision_.lost_fd, POLLIN, 0},
                                      {killed_ || dead_ ? -1 : sandbox_.oom_event(), POLLIN, 0},
                                      {killed_ || dead_ ? -1 : supervision_.signals_fd, POLLIN, 0},
                                      {killed_ || dead_ ? -1 : supervision_.hurry_fd, POLLIN, 0}};
    const std::size_t first_stream = polled.size();
    for (const OutputStream& stream : supervision_.outputs) {
      polled.push_back({stream.read_end.get(), POLLIN, 0});
    }
    if (::poll(polled.data(), polled.size(), poll_timeout()) < 0 && errno != EINTR) {
      return base::errno_error("wait for a sandbox");
    }
    react(polled);
    bool arrived = false;
    for (std::size_t i = first_stream; i < polled.size(); ++i) {
      if (polled[i].revents == 0) continue;
      arrived = true;
      TRY(pump(supervision_.outputs[i - first_stream]));
    }
    if (dead_) leave_streams(arrived);
    return {};
  }

  // To what is no output. In the order of the slots above.
  void react(const std::vector<struct pollfd>& polled) {
    if (polled[0].revents != 0) on_death();
    // One that is dead already has ended by itself.
    if (!dead_) obey(polled);
    if (polled[3].revents != 0) on_out_of_memory();
    if (!dead_ && deadline_ && Clock::now() >= *deadline_) on_deadline();
    if (!dead_ && !killed_) look();
  }

  void obey(const std::vector<struct pollfd>& polled) {
    if ((polled[1].revents | polled[2].revents) != 0) end_with(Cancelled{}, SIGTERM);
    if (polled[4].revents != 0) pass_signals();
    if (ending_ && polled[5].revents != 0) kill_now();
  }

  void on_death() {
    dead_ = true;
    quiet_ = Clock::now() + kQuiet;
    last_ = Clock::now() + kLongestAfterDeath;
  }

  // When nothing of the dead can come any more.
  void leave_streams(bool arrived) {
    const Clock::time_point now = Clock::now();
    if (arrived) quiet_ = now + kQuiet;
    if (now < std::min(quiet_, last_)) return;
    for (OutputStream& stream : supervision_.outputs) stream.read_end.reset();
  }

  static int until(Clock::time_point time) {
    const auto left = std::chrono::ceil<milliseconds>(time - Clock::now());
    return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000));
  }

  int poll_timeout() const {
    if (dead_) return until(std::min(quiet_, last_));
    std::optional<Clock::time_point> next = deadline_;
    if (!killed_) {
      for (const Clock::time_point at : look_at_) next = next ? std::min(*next, at) : at;
      if (memory_looks_ > 0) next = next ? std::min(*next, look_at_memory_) : look_at_memory_;
    }
    return next ? until(*next) : -1;
  }

  // v1 tells everybody below the cgroup that ran out, before it kills one process of somebody's.
  void on_out_of_memory() {
    memory_looks_ = kMemoryLooks;
    look_at_memory();
  }

  // Half a sandbox is of no use to anybody: it dies as one, and of what it died of. When no process
  // of it was killed, it was not meant.
  void look_at_memory() {
    const CgroupUsage kernel = sandbox_.cgroup_usage();
    if (kernel.memory_refused > 0 || kernel.oom_kills > 0) return kill_for(out_of_memory(kernel));
    --memory_looks_;
    look_at_memory_ = Clock::now() + kMemoryLook;
  }

  OomKilled out_of_memory(const CgroupUsage& kernel) const {
    return OomKilled{kernel.memory_refused > 0 ? supervision_.limits.memory.value_or(0) : 0};
  }

  // At what only looking tells.
  void look() {
    if (memory_looks_ > 0 && Clock::now() >= look_at_memory_) look_at_memory();
    for (std::size_t i = 0; i < look_at_.size(); ++i) {
      if (Clock::now() < look_at_[i]) continue;
      const Watch::Answer answer = supervision_.watches[i].look();
      if (answer.hit) return kill_for(*answer.hit);
      look_at_[i] = Clock::now() + answer.again;
    }
  }

  void kill_for(ExitCause cause) {
    if (!imposed_) imposed_ = std::move(cause);
    kill_now();
  }

  void on_deadline() {
    if (ending_) {
      kill_now();
    } else {
      end_with(TimedOut{*supervision_.timeout, supervision_.timeout_set_by}, SIGTERM);
    }
  }

  void pass_signals() {
    std::array<unsigned char, 64> signals{};
    const ssize_t count = ::read(supervision_.signals_fd, signals.data(), signals.size());
    if (count == 0) supervision_.signals_fd = -1;
    for (ssize_t i = 0; i < count && !killed_; ++i) {
      const int signal = signals.at(static_cast<std::size_t>(i));
      const bool ends =
          signal == SIGINT || signal == SIGTERM || signal == SIGHUP || signal == SIGQUIT;
      if (!ends) {
        (void)sandbox_.signal(signal);
      } else if (ending_) {
        kill_now();
      } else {
        end_with(Cancelled{signal}, signal);
      }
    }
  }

  // Asks first, kills after the grace time.
  void end_with(ExitCause cause, int signal) {
    if (ending_) return;
    ending_ = true;
    imposed_ = std::move(cause);
    if (supervision_.grace == milliseconds::zero()) return kill_now();
    (void)sandbox_.signal(signal);
    deadline_ = Clock::now() + supervision_.grace;
  }

  void kill_now() {
    ending_ = true;
    killed_ = true;
    deadline_.reset();
    (void)sandbox_.signal(SIGKILL);
  }

  Result<void> pump(OutputStream& stream) {
    const std::span<std::byte> room = stream.room ? stream.room() : std::span<std::byte>();
    const std::span<std::byte> into = room.empty() ? std::span(buffer_.get(), buffer_size_) : room;
    ssize_t count = ::read(stream.read_end.get(), into.data(), into.size());
    if (count < 0 && errno == EIO) count = 0;  // a terminal that nobody inside has open any more
    const int error = errno;
    if (count <= 0 && !room.empty()) TRY(stream.sink({}));
    if (count < 0 && (error == EINTR || error == EAGAIN)) return {};
    if (count < 0) return base::system_error("read the output of a sandbox", error);
    if (count == 0) {
      stream.read_end.reset();
      return {};
    }
    auto taken = give(stream, into.first(static_cast<std::size_t>(count)));
    // It may have been a secret, and this memory can get into a core file.
    if (room.empty()) ::explicit_bzero(into.data(), static_cast<std::size_t>(count));
    TRY(std::move(taken));
    if (static_cast<std::size_t>(count) >= kBufferSize) widen(stream);
    return {};
  }

  Result<void> give(OutputStream& stream, std::span<const std::byte> bytes) {
    const auto allowed = std::min<std::uint64_t>(bytes.size(), log_limit_ - log_bytes_);
    log_bytes_ += allowed;
    stream.last_words.add(bytes.first(allowed));
    TRY(stream.sink(bytes.first(allowed)));
    if (allowed < bytes.size()) {
      stream.read_end.reset();
      kill_for(LimitHit{LimitHit::Which::kLog, log_limit_});
    }
    return {};
  }

  // What is no pipe stays as it is, and so does one that may not be larger.
  void widen(OutputStream& stream) {
    if (std::exchange(stream.is_widened, true)) return;
    if (::fcntl(stream.read_end.get(), F_SETPIPE_SZ, kBusyPipe) < 0) return;
    if (buffer_size_ == kBusyBufferSize) return;
    buffer_ = std::make_unique_for_overwrite<std::byte[]>(kBusyBufferSize);
    buffer_size_ = kBusyBufferSize;
  }

  Result<ExitReport> make_report() {
    const auto record = sandbox_.exit_record();
    const CgroupUsage kernel = sandbox_.cgroup_usage();
    ExitReport report;
    report.usage.wall = std::chrono::duration_cast<milliseconds>(Clock::now() - start_);
    report.usage.log_bytes = log_bytes_;
    report.usage.cpu_throttled = kernel.cpu_throttled;
    report.usage.peak_memory = kernel.peak_memory;
    report.usage.user_cpu = kernel.user_cpu;
    report.usage.system_cpu = kernel.system_cpu;
    report.usage.read_bytes = kernel.read_bytes;
    report.usage.written_bytes = kernel.written_bytes;
    report.usage.pressure = kernel.pressure;
    if (supervision_.disk) look_at_disk(report.usage);
    if (record) fill_from(*record, report.usage);
    report.denied_syscalls = sandbox_.denied_syscalls();
    report.cause = TRY(cause(record, kernel));
    if (ended_badly(report)) report.likely_limits = likely_limits(report);
    if (!report.succeeded()) report.also_reached = others(reached(kernel), report.cause);
    return report;
  }

  void look_at_disk(Usage& usage) {
    (void)supervision_.disk->look();
    usage.peak_disk = supervision_.disk->peak().bytes;
    usage.peak_inodes = supervision_.disk->peak().inodes;
  }

  static bool ended_badly(const ExitReport& report) {
    return report.ended_by_itself() && !report.succeeded();
  }

  // What is full first: that is the kernel's word.
  std::vector<LikelyLimit> likely_limits(const ExitReport& report) const {
    std::vector<LikelyLimit> limits = used_up(sandbox_.tmpfs());
    // No other reason is better known than that.
    if (std::holds_alternative<LimitHit>(report.cause)) return limits;
    if (supervision_.disk) {
      const bool said = limits.empty() && last_words(&LastWords::say_no_space_left);
      if (const auto disk = supervision_.disk->likely(said)) limits.push_back(*disk);
    }
    if (supervision_.open_files && last_words(&LastWords::say_too_many_open_files))
      limits.push_back({.which = LikelyLimit::Which::kOpenFiles,
                        .limit = *supervision_.open_files,
                        .told_by = LikelyLimit::ToldBy::kLog});
    if (supervision_.cpu_rlimit) {
      if (const auto cpu = likely_cpu_rlimit(report, *supervision_.cpu_rlimit))
        limits.push_back(*cpu);
    }
    return limits;
  }

  bool last_words(bool (LastWords::*say)() const) const {
    return std::ranges::any_of(supervision_.outputs, [say](const OutputStream& stream) {
      return (stream.last_words.*say)();
    });
  }

  static void fill_from(const child::ExitRecord& record, Usage& usage) {
    usage.processes = record.processes;
    if (usage.peak_memory == 0) usage.peak_memory = record.max_rss_kib * 1024;
    if (usage.user_cpu.count() == 0) usage.user_cpu = std::chrono::microseconds(record.user_usec);
    if (usage.system_cpu.count() == 0)
      usage.system_cpu = std::chrono::microseconds(record.system_usec);
  }

  Result<ExitCause> cause(const std::optional<child::ExitRecord>& record,
                          const CgroupUsage& kernel) const {
    // Whatever was done to it meanwhile.
    if (const auto& failure = sandbox_.exec_failure()) return cannot_execute(*failure);
    if (imposed_) return with_own_end(*imposed_, record);
    const bool clean =
        record && WIFEXITED(record->wait_status) && WEXITSTATUS(record->wait_status) == 0;
    // A stage that lived with what was refused to it has succeeded; for one that failed it is the
    // reason.
    if (!clean) {
      if (auto reason = refused(kernel)) return with_own_end(*reason, record);
    }
    // Its pid 1 tells nobody how the command ended, and nobody inside can kill that.
    if (!record) return base::Error{base::ErrorKind::kSystem, 0, std::string(kKilledFromOutside)};
    if (WIFSIGNALED(record->wait_status)) return Signaled{WTERMSIG(record->wait_status)};
    return Exited{WEXITSTATUS(record->wait_status), ""};
  }

  ExitCause with_own_end(ExitCause cause, const std::optional<child::ExitRecord>& record) const {
    if (killed_ || !record) return cause;
    if (auto* cancelled = std::get_if<Cancelled>(&cause))
      cancelled->status = shell_status_of(record->wait_status);
    if (auto* hit = std::get_if<LimitHit>(&cause)) hit->wait_status = record->wait_status;
    return cause;
  }

  // What the kernel refused to the sandbox, the gravest first.
  std::optional<ExitCause> refused(const CgroupUsage& kernel) const {
    if (kernel.oom_kills > 0) return out_of_memory(kernel);
    const auto hits = reached(kernel);
    return hits.empty() ? std::nullopt : std::optional<ExitCause>(hits.front());
  }

  // Memory apart, which ends it.
  std::vector<LimitHit> reached(const CgroupUsage& kernel) const {
    std::vector<LimitHit> hits;
    if (supervision_.disk) hits = supervision_.disk->exhausted();
    if (kernel.pids_refused > 0)
      hits.push_back({LimitHit::Which::kPids, supervision_.limits.pids.value_or(0)});
    return hits;
  }

  static std::vector<LimitHit> others(std::vector<LimitHit> hits, const ExitCause& cause) {
    const auto* told = std::get_if<LimitHit>(&cause);
    std::erase_if(
        hits, [told](const LimitHit& hit) { return told != nullptr && told->which == hit.which; });
    return hits;
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
  std::uint64_t log_limit_;
  std::uint64_t log_bytes_ = 0;
  /// Not cleared: a stage that writes little makes no more of it real than it fills.
  std::unique_ptr<std::byte[]> buffer_ = std::make_unique_for_overwrite<std::byte[]>(kBufferSize);
  std::size_t buffer_size_ = kBufferSize;
  std::vector<Clock::time_point> look_at_;  ///< When each watch is asked next.
  int memory_looks_ = 0;                    ///< How many are left since memory ran out somewhere.
  Clock::time_point look_at_memory_;
  bool ending_ = false;  ///< Told to end, or killed.
  bool killed_ = false;
  bool dead_ = false;
  Clock::time_point quiet_;  ///< When dead: until then something can still arrive.
  Clock::time_point last_;   ///< When dead: and no longer than that.
};

}  // namespace

Result<ExitReport> supervise(Sandbox& sandbox, Supervision supervision) {
  return Supervisor(sandbox, std::move(supervision)).run();
}

}  // namespace stagebox::sandbox
