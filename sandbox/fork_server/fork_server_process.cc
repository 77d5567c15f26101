// The fork server's own process: see fork_server.h. It is a small static program of its own, which
// ForkServer carries with it and executes from a sealed memory file. Single-threaded; it may
// allocate, but what it clones may not (child_main).
#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/base/syscalls.h"
#include "sandbox/child/child_main.h"
#include "sandbox/child/join_main.h"
#include "sandbox/child/share_main.h"
#include "sandbox/fork_server/fd_message.h"
#include "sandbox/fork_server/fork_server_protocol.h"
#include "sandbox/fork_server/fork_server_request.h"
#include "sandbox/fork_server/shared_pid.h"
#include "sandbox/ids/creator_identity.h"

namespace stagebox::sandbox {
namespace {

using base::UniqueFd;
namespace sys = base::sys;

// Those that clone makes; pid 1 itself makes the cgroup namespace, after it has joined its cgroup,
// and the time namespace, which is for its children.
constexpr std::uint32_t kClonedNamespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS;

// A child of ours: a sandbox's pid 1, or a process that joined one. The go pipe stays open until it
// is dead: its hang-up tells a child that is still setting up that we are gone.
struct Running {
  pid_t pid = 0;
  std::uint64_t sandbox = 0;  ///< 0: it joined one.
  UniqueFd pidfd;
  UniqueFd go;
  UniqueFd exit;  ///< Where the record of one that joined goes.
};

std::uint64_t microseconds(const struct timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
         static_cast<std::uint64_t>(time.tv_usec);
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
  if (error == 0) error = write_file(proc + "uid_map", request.uid_map.data());
  if (error == 0) error = write_file(proc + "gid_map", request.gid_map.data());
  return error;
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
    // The latest first: a pid 1 is not dead before those that joined are waited for.
    while (!running_.empty()) {
      wait_for(running_.back());
      running_.pop_back();
    }
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

  static void wait_for(const Running& child) {
    int status = 0;
    struct rusage usage{};
    pid_t waited = -1;
    do {
      waited = ::wait4(child.pid, &status, 0, &usage);
    } while (waited < 0 && errno == EINTR);
    if (waited == child.pid && child.exit.valid()) tell_end(child, status, usage);
  }

  static void tell_end(const Running& joined, int status, const struct rusage& usage) {
    child::ExitRecord record{};
    record.wait_status = status;
    record.processes = 1;
    record.user_usec = microseconds(usage.ru_utime);
    record.system_usec = microseconds(usage.ru_stime);
    record.max_rss_kib = static_cast<std::uint64_t>(usage.ru_maxrss);
    (void)!::write(joined.exit.get(), &record, sizeof(record));
  }

  bool serve_one() {
    StartRequest request{};
    auto message = receive_message(socket_.get(), std::as_writable_bytes(std::span(&request, 1)));
    if (!message.ok())
      return true;  // a malformed request has no reply socket that could be trusted
    if (message->closed) return false;
    RequestFds fds{};
    request.uid_map.back() = request.gid_map.back() = '\0';
    if (message->size != sizeof(request) || !take_fds(request, message->fds, fds)) return true;
    StartReply reply{};
    Running child;
    if (request.kind == StartRequest::Kind::kJoin) {
      join(request, fds, reply, child);
    } else {
      start(request, fds, reply, child);
    }
    if (child.sandbox != 0) reply.sandbox = child.sandbox;
    const int pidfd = child.pidfd.get();
    (void)send_message(fds.reply, std::as_bytes(std::span(&reply, 1)),
                       std::span(&pidfd, reply.error == 0 ? 1U : 0U));
    if (reply.error == 0) running_.push_back(std::move(child));
    return true;
  }

  void start(const StartRequest& request, const RequestFds& fds, StartReply& reply,
             Running& sandbox) {
    const MappedPlan plan(fds.plan);
    reply = {StartReply::Step::kMap, errno, 0};
    int pipe[2];
    if (!plan.valid() || ::pipe2(pipe, O_CLOEXEC) != 0) return;
    const UniqueFd go_read(pipe[0]);
    sandbox.go.reset(pipe[1]);

    clone(context_of(plan, fds, go_read.get()), request, fds, reply, sandbox);
    if (reply.error != 0) return;
    sandbox.sandbox = ++last_sandbox_;
    finish_start(sandbox.pid, request, reply, sandbox);
  }

  static void clone(const child::ChildContext& context, const StartRequest& request,
                    const RequestFds& fds, StartReply& reply, Running& sandbox) {
    const CreatorIdentity creator(request.creator);
    reply = {StartReply::Step::kCreator, creator.error(), 0};
    if (reply.error != 0) return;
    if (!fds.entered_namespaces.empty()) {
      clone_sharing(context, request, fds, reply, sandbox);
    } else {
      clone_alone(context, request, fds, reply, sandbox);
    }
  }

  static void clone_alone(const child::ChildContext& context, const StartRequest& request,
                          const RequestFds& fds, StartReply& reply, Running& sandbox) {
    int pidfd = -1;
    struct clone_args args{};
    args.flags = (request.namespaces & kClonedNamespaces) | CLONE_PIDFD;
    args.pidfd = reinterpret_cast<std::uintptr_t>(&pidfd);
    args.exit_signal = SIGCHLD;
    if (fds.cgroup_dir >= 0) {
      args.flags |= CLONE_INTO_CGROUP;
      args.cgroup = static_cast<unsigned>(fds.cgroup_dir);
    }
    const long pid = sys::clone3(&args);
    if (pid == 0) {
      sandbox.go.reset();
      child::child_main(context);
    }
    reply = {StartReply::Step::kClone, pid < 0 ? static_cast<int>(-pid) : 0, 0};
    if (pid < 0) return;
    sandbox.pid = static_cast<pid_t>(pid);
    sandbox.pidfd.reset(pidfd);
  }

  // In namespaces that are there already.
  static void clone_sharing(const child::ChildContext& context, const StartRequest& request,
                            const RequestFds& fds, StartReply& reply, Running& sandbox) {
    reply = {StartReply::Step::kMap, EMFILE, 0};
    auto answer = make_socket_pair();
    const SharedPid cloned;
    if (!answer.ok() || !cloned.valid()) return;
    const std::uint64_t flags = request.namespaces & kClonedNamespaces & ~request.entered;
    const child::ShareContext with{fds.entered_namespaces.data(),
                                   fds.entered_namespaces.size(),
                                   {answer->theirs.get(), cloned.address()},
                                   sandbox.go.get(),
                                   fds.cgroup_dir,
                                   flags};
    struct clone_args args{};
    args.exit_signal = SIGCHLD;
    Running helper;
    helper.pid = static_cast<pid_t>(sys::clone3(&args));
    if (helper.pid == 0) child::share_main(context, with);
    reply = {StartReply::Step::kClone, helper.pid < 0 ? -helper.pid : 0, 0};
    if (helper.pid < 0) return;
    answer->theirs.reset();
    receive_cloned(answer->ours.get(), helper, cloned, reply, sandbox);
  }

  [[nodiscard]] const Running* find(std::uint64_t sandbox) const {
    for (const Running& child : running_) {
      if (sandbox != 0 && child.sandbox == sandbox) return &child;
    }
    return nullptr;
  }

  // The helper joins the cgroups first, with our rights and as what we are; what it clones inside
  // inherits them.
  void join(const StartRequest& request, const RequestFds& fds, StartReply& reply,
            Running& joined) const {
    const MappedPlan plan(fds.plan);
    reply = {StartReply::Step::kMap, errno, 0};
    auto answer = make_socket_pair();
    const SharedPid cloned;
    if (!plan.valid() || !answer.ok() || !cloned.valid()) return;
    const Running* sandbox = find(request.sandbox);
    reply = {StartReply::Step::kFind, ESRCH, 0};
    if (sandbox == nullptr) return;
    // A process of ours that nobody waited for: its number is still its own.
    const std::string time = "/proc/" + std::to_string(sandbox->pid) + "/ns/time_for_children";
    const UniqueFd time_namespace(::open(time.c_str(), O_RDONLY | O_CLOEXEC));
    const child::ChildContext context = context_of(plan, fds, -1);
    const child::JoinContext to{sandbox->pidfd.get(),
                                time_namespace.get(),
                                {answer->theirs.get(), cloned.address()},
                                request.namespaces};
    const Running helper = clone_helper(fds, [&] { child::join_main(context, to); });
    reply = {StartReply::Step::kClone, helper.pid < 0 ? -helper.pid : 0, 0};
    if (helper.pid < 0) return;
    answer->theirs.reset();
    receive_cloned(answer->ours.get(), helper, cloned, reply, joined);
    joined.exit.reset(::fcntl(fds.exit, F_DUPFD_CLOEXEC, 0));
  }

  // Of a helper that died too early only the kernel tells, and nothing is left of what it cloned.
  static void receive_cloned(int socket, const Running& helper, const SharedPid& cloned,
                             StartReply& reply, Running& child) {
    receive_answer(socket, reply, child);
    wait_for(helper);
    if (!child.pidfd.valid()) cloned.end_child();
  }

  static void receive_answer(int socket, StartReply& reply, Running& joined) {
    child::JoinAnswer answer{};
    auto message = receive_message(socket, std::as_writable_bytes(std::span(&answer, 1)));
    reply = {StartReply::Step::kJoin, ECHILD, 0};
    if (!message.ok() || message->size != sizeof(answer)) return;
    const bool joining = answer.step == child::JoinAnswer::Step::kCgroups;
    reply = {joining ? StartReply::Step::kJoinCgroup : StartReply::Step::kJoin, answer.error, 0};
    if (answer.error != 0) return;
    if (message->fds.size() != 1) {
      reply.error = EBADMSG;
      return;
    }
    joined.pid = answer.pid;
    joined.pidfd = std::move(message->fds.front());
  }

  static child::ChildContext context_of(const MappedPlan& plan, const RequestFds& fds, int go) {
    return {child::PlanView(plan.base()),
            fds.steps.data(),
            plan.argv(),
            plan.environment(),
            {fds.stdio[0], fds.stdio[1], fds.stdio[2]},
            go,
            fds.report,
            fds.exit,
            fds.v1_tasks.data(),
            static_cast<std::uint32_t>(fds.v1_tasks.size())};
  }

  // Clones into the v2 cgroup, if there is one. With pid < 0: -errno.
  template <typename Main>
  static Running clone_helper(const RequestFds& fds, Main main) {
    struct clone_args args{};
    args.exit_signal = SIGCHLD;
    if (fds.cgroup_dir >= 0) {
      args.flags |= CLONE_INTO_CGROUP;
      args.cgroup = static_cast<unsigned>(fds.cgroup_dir);
    }
    Running helper;
    helper.pid = static_cast<pid_t>(sys::clone3(&args));
    if (helper.pid == 0) main();
    return helper;
  }

  static void finish_start(pid_t pid, const StartRequest& request, StartReply& reply,
                           const Running& sandbox) {
    reply = {StartReply::Step::kMapIds, map_ids(pid, request), 0};
    if (reply.error == 0) reply.error = ::write(sandbox.go.get(), "g", 1) == 1 ? 0 : errno;
    if (reply.error == 0) return;
    (void)sys::pidfd_send_signal(sandbox.pidfd.get(), SIGKILL);
    wait_for(sandbox);
  }

  UniqueFd socket_;
  std::vector<Running> running_;
  std::uint64_t last_sandbox_ = 0;
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

// An ignored signal stays ignored from one exec to the next: what the one who started us ignores is
// not for a stage. Once here saves each stage's process sixty calls. Not by sigaction(3): it
// refuses the two signals that libc keeps for itself, and posix_spawn(3) has left just those
// ignored.
void set_dispositions() {
  // struct sigaction of the kernel: the handler, SIG_DFL being 0, flags, restorer and mask.
  constexpr std::array<std::uint64_t, 4> kDefault{};
  constexpr std::size_t kMaskBytes = 8;
  for (int signal = 1; signal < NSIG; ++signal)
    (void)sys::call(SYS_rt_sigaction, signal, kDefault.data(), nullptr, kMaskBytes);
  for (const int signal : child::kIgnoredSignals) (void)::signal(signal, SIG_IGN);
}

int serve_forks() {
  // Not dumpable, and so is every clone: nobody in a sandbox may look into one before its exec, nor
  // into its pid 1, whatever capabilities he has there.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || !keep_only_the_socket()) return 1;
  // Out of the terminal's foreground group: Ctrl-C is for the one who cancels in good order.
  (void)::setsid();
  (void)::prctl(PR_SET_NAME, "stagebox-fork", 0, 0, 0);
  set_dispositions();
  Server(kServerSocket).run();
  return 0;
}

}  // namespace
}  // namespace stagebox::sandbox

// _exit: nobody waits for what static destructors do.
int main() { ::_exit(stagebox::sandbox::serve_forks()); }
