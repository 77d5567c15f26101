// The fork server's own process: see fork_server.h. It is a small static program of its own, which
// ForkServer carries with it and executes from a sealed memory file. Single-threaded; it may
// allocate, but what it clones may not (child_main).
#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/base/syscalls.h"
#include "sandbox/child/child_main.h"
#include "sandbox/fd_message.h"
#include "sandbox/fork_server_protocol.h"

namespace stagebox::sandbox {
namespace {

using base::UniqueFd;
namespace sys = base::sys;

constexpr std::uint64_t kNamespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

// A sandbox's pid 1. The go pipe stays open until it is dead: its hang-up tells a child that is
// still setting up that we are gone.
struct Running {
  UniqueFd pidfd;
  UniqueFd go;
};

// The plan, mapped, with the pointer arrays that execve wants.
class MappedPlan {
 public:
  explicit MappedPlan(int fd) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) return;
    size_ = static_cast<std::size_t>(status.st_size);
    void* mapping = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    if (mapping == MAP_FAILED) return;
    base_ = mapping;
    const child::PlanView view(base_);
    argv_ = pointers(view, view.header().argv, view.header().argc);
    environment_ = pointers(view, view.header().environment, view.header().environment_count);
  }
  MappedPlan(const MappedPlan&) = delete;
  MappedPlan& operator=(const MappedPlan&) = delete;
  ~MappedPlan() {
    if (base_ != nullptr) (void)::munmap(base_, size_);
  }
  [[nodiscard]] bool valid() const { return base_ != nullptr; }
  [[nodiscard]] const void* base() const { return base_; }
  [[nodiscard]] char* const* argv() const { return argv_.data(); }
  [[nodiscard]] char* const* environment() const { return environment_.data(); }

 private:
  static std::vector<char*> pointers(const child::PlanView& view, std::uint32_t offset,
                                     std::uint32_t count) {
    std::vector<char*> result;
    result.reserve(count + 1U);
    for (std::uint32_t i = 0; i < count; ++i) {
      // execve(2) takes them without const and does not write to them.
      result.push_back(const_cast<char*>(  // NOLINT(cppcoreguidelines-pro-type-const-cast)
          view.text(view.offsets(offset)[i])));
    }
    result.push_back(nullptr);
    return result;
  }

  void* base_ = nullptr;
  std::size_t size_ = 0;
  std::vector<char*> argv_;
  std::vector<char*> environment_;
};

// The descriptors of a request by name; owned by the Message.
struct RequestFds {
  int reply, plan, report, exit;
  int stdio[3];
  int cgroup_dir = -1;
  const UniqueFd* v1_procs;
  std::vector<int> steps;
};

bool take_fds(const StartRequest& request, const std::vector<UniqueFd>& fds, RequestFds& named) {
  const std::size_t expected =
      std::size_t{kFixedFds} + request.has_cgroup_dir + request.v1_procs + request.step_fds;
  if (fds.size() != expected || request.has_cgroup_dir > 1) return false;
  named.reply = fds[0].get();
  named.plan = fds[1].get();
  named.report = fds[2].get();
  named.exit = fds[3].get();
  for (std::size_t i = 0; i < 3; ++i) named.stdio[i] = fds[4 + i].get();
  std::size_t next = kFixedFds;
  if (request.has_cgroup_dir == 1) named.cgroup_dir = fds[next++].get();
  named.v1_procs = fds.data() + next;
  next += request.v1_procs;
  for (; next < fds.size(); ++next) named.steps.push_back(fds[next].get());
  return true;
}

int write_file(const std::string& path, const char* content) {
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file) return errno;
  return ::write(file.get(), content, std::strlen(content)) < 0 ? errno : 0;
}

int map_ids(pid_t pid, const StartRequest& request) {
  const std::string proc = "/proc/" + std::to_string(pid) + "/";
  int error = 0;
  if (request.deny_setgroups == 1) error = write_file(proc + "setgroups", "deny");
  if (error == 0) error = write_file(proc + "uid_map", request.id_map.data());
  if (error == 0) error = write_file(proc + "gid_map", request.id_map.data());
  return error;
}

int join_cgroups(pid_t pid, const StartRequest& request, const RequestFds& fds) {
  const std::string text = std::to_string(pid);
  for (std::uint32_t i = 0; i < request.v1_procs; ++i) {
    if (::write(fds.v1_procs[i].get(), text.data(), text.size()) < 0) return errno;
  }
  return 0;
}

class Server {
 public:
  explicit Server(int socket) : socket_(socket) {}

  // Until the other side is gone.
  void run() {
    while (poll_once()) {
    }
    for (const Running& sandbox : running_)
      (void)sys::pidfd_send_signal(sandbox.pidfd.get(), SIGKILL);
    for (const Running& sandbox : running_) wait_for(sandbox);
  }

 private:
  bool poll_once() {
    std::vector<struct pollfd> polled{{socket_.get(), POLLIN, 0}};
    for (const Running& sandbox : running_) polled.push_back({sandbox.pidfd.get(), POLLIN, 0});
    if (::poll(polled.data(), polled.size(), -1) < 0) return errno == EINTR;
    for (std::size_t i = polled.size(); i-- > 1;) {
      if (polled[i].revents == 0) continue;
      wait_for(running_[i - 1]);
      running_.erase(running_.begin() + static_cast<std::ptrdiff_t>(i - 1));
    }
    return polled[0].revents == 0 || serve_one();
  }

  static void wait_for(const Running& sandbox) {
    siginfo_t info{};
    while (::waitid(P_PIDFD, static_cast<id_t>(sandbox.pidfd.get()), &info, WEXITED) < 0 &&
           errno == EINTR) {
    }
  }

  bool serve_one() {
    StartRequest request{};
    auto message = receive_message(socket_.get(), std::as_writable_bytes(std::span(&request, 1)));
    if (!message.ok())
      return true;  // a malformed request has no reply socket that could be trusted
    if (message->closed) return false;
    RequestFds fds{};
    request.id_map.back() = '\0';
    if (message->size != sizeof(request) || !take_fds(request, message->fds, fds)) return true;
    StartReply reply{};
    Running sandbox;
    start(request, fds, reply, sandbox);
    const int pidfd = sandbox.pidfd.get();
    (void)send_message(fds.reply, std::as_bytes(std::span(&reply, 1)),
                       std::span(&pidfd, reply.error == 0 ? 1U : 0U));
    if (reply.error == 0) running_.push_back(std::move(sandbox));
    return true;
  }

  static void start(const StartRequest& request, const RequestFds& fds, StartReply& reply,
                    Running& sandbox) {
    const MappedPlan plan(fds.plan);
    reply = {StartReply::Step::kMap, errno};
    int pipe[2];
    if (!plan.valid() || ::pipe2(pipe, O_CLOEXEC) != 0) return;
    const UniqueFd go_read(pipe[0]);
    sandbox.go.reset(pipe[1]);

    int pidfd = -1;
    struct clone_args args{};
    args.flags = kNamespaces | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (fds.cgroup_dir >= 0) {
      args.flags |= CLONE_INTO_CGROUP;
      args.cgroup = static_cast<unsigned>(fds.cgroup_dir);
    }
    const long pid = sys::clone3(&args);
    if (pid == 0) {
      sandbox.go.reset();
      child::child_main({child::PlanView(plan.base()),
                         fds.steps.data(),
                         plan.argv(),
                         plan.environment(),
                         {fds.stdio[0], fds.stdio[1], fds.stdio[2]},
                         go_read.get(),
                         fds.report,
                         fds.exit});
    }
    reply = {StartReply::Step::kClone, static_cast<int>(-pid)};
    if (pid < 0) return;
    sandbox.pidfd.reset(pidfd);
    finish_start(static_cast<pid_t>(pid), request, fds, reply, sandbox);
  }

  static void finish_start(pid_t pid, const StartRequest& request, const RequestFds& fds,
                           StartReply& reply, const Running& sandbox) {
    reply = {StartReply::Step::kMapIds, map_ids(pid, request)};
    if (reply.error == 0) reply = {StartReply::Step::kJoinCgroup, join_cgroups(pid, request, fds)};
    if (reply.error == 0) reply.error = ::write(sandbox.go.get(), "g", 1) == 1 ? 0 : errno;
    if (reply.error == 0) return;
    (void)sys::pidfd_send_signal(sandbox.pidfd.get(), SIGKILL);
    wait_for(sandbox);
  }

  UniqueFd socket_;
  std::vector<Running> running_;
};

}  // namespace

namespace {

// Whatever the one who started us had open is not for a sandbox. 0 to 2 stay taken, so that nothing
// that arrives later gets one of these numbers.
bool keep_only_the_socket() {
  if (sys::close_range(0, kServerSocket - 1, 0) < 0) return false;
  for (int fd = 0; fd < kServerSocket; ++fd) {
    if (::open("/dev/null", O_RDWR | O_CLOEXEC) != fd) return false;
  }
  return sys::close_range(kServerSocket + 1, ~0U, 0) >= 0 &&
         ::fcntl(kServerSocket, F_SETFD, FD_CLOEXEC) == 0;
}

int serve_forks() {
  // Not dumpable, and so is every clone: nobody in a sandbox may look into one before its exec, nor
  // into its pid 1, whatever capabilities he has there.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || !keep_only_the_socket()) return 1;
  // Out of the terminal's foreground group: Ctrl-C is for the one who cancels in good order.
  (void)::setsid();
  (void)::prctl(PR_SET_NAME, "stagebox-fork", 0, 0, 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE})
    (void)::signal(signal, SIG_IGN);
  Server(kServerSocket).run();
  return 0;
}

}  // namespace
}  // namespace stagebox::sandbox

// _exit: nobody waits for what static destructors do.
int main() { ::_exit(stagebox::sandbox::serve_forks()); }
