// The worker server's own process: see worker_server.h. One thread.
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <span>
#include <vector>

#include "runtime/base/pipe.h"
#include "runtime/base/syscalls.h"
#include "sandbox/fork_server/fd_message.h"
#include "sandbox/fork_server/inherited_fds.h"
#include "sandbox/worker/worker_protocol.h"

namespace stagebox::sandbox {
namespace {

using base::UniqueFd;
namespace sys = base::sys;

class Server {
 public:
  Server(UniqueFd socket, WorkerMain main) : socket_(std::move(socket)), main_(main) {}

  // Until the other side is gone.
  void run() {
    while (poll_once()) {
    }
    for (const UniqueFd& parent : parents_) (void)sys::pidfd_send_signal(parent.get(), SIGKILL);
    for (const UniqueFd& parent : parents_) reap(parent);
  }

 private:
  bool poll_once() {
    std::vector<struct pollfd> polled{{socket_.get(), POLLIN, 0}};
    for (const UniqueFd& parent : parents_) polled.push_back({parent.get(), POLLIN, 0});
    if (::poll(polled.data(), polled.size(), -1) < 0) return errno == EINTR;
    for (std::size_t i = polled.size(); i-- > 1;) {
      if (polled[i].revents == 0) continue;
      reap(parents_[i - 1]);
      parents_.erase(parents_.begin() + static_cast<std::ptrdiff_t>(i - 1));
    }
    return polled[0].revents == 0 || serve_one();
  }

  static void reap(const UniqueFd& pidfd) {
    siginfo_t info{};
    while (::waitid(P_PIDFD, static_cast<id_t>(pidfd.get()), &info, WEXITED) < 0 &&
           errno == EINTR) {
    }
  }

  bool serve_one() {
    WorkerStart start{};
    auto message = receive_message(socket_.get(), std::as_writable_bytes(std::span(&start, 1)));
    if (!message.ok()) return true;
    if (message->closed) return false;
    if (message->size != sizeof(start) || message->fds.size() != 2) return true;
    UniqueFd reply = std::move(message->fds[0]);
    const pid_t pid = ::fork();
    if (pid == 0) become_parent(start, std::move(message->fds[1]), std::move(reply));
    if (pid < 0) {
      answer(reply, errno, {});
      return true;
    }
    UniqueFd pidfd(sys::pidfd_open(pid));
    if (pidfd) {
      parents_.push_back(std::move(pidfd));
      return true;
    }
    (void)::kill(pid, SIGKILL);
    (void)::waitpid(pid, nullptr, 0);
    return true;
  }

  static void answer(const UniqueFd& reply, int error, std::span<const int> fds) {
    const WorkerStarted started{error};
    (void)send_message(reply.get(), std::as_bytes(std::span(&started, 1)), fds);
  }

  // Waits for the worker; whoever asked for it reads how it ended.
  static void tell_end(pid_t pid, const UniqueFd& status) {
    int wait_status = 0;
    struct rusage used{};
    pid_t ended = -1;
    do {
      ended = ::wait4(pid, &wait_status, 0, &used);
    } while (ended < 0 && errno == EINTR);
    if (ended != pid) return;
    const WorkerStatus told{wait_status, microseconds(used.ru_utime) + microseconds(used.ru_stime)};
    (void)!::write(status.get(), &told, sizeof(told));
  }

  static std::uint64_t microseconds(const struct timeval& time) {
    return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000 +
           static_cast<std::uint64_t>(time.tv_usec);
  }

  // Between the server and each worker stands a process, because the first child of whoever made a
  // pid namespace is its pid 1, and an ordinary user cannot go back to make another one.
  [[noreturn]] void become_parent(const WorkerStart& start, UniqueFd user_namespace,
                                  UniqueFd reply) {
    (void)::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    socket_.reset();
    parents_.clear();
    auto status = base::make_pipe();
    if (!status.ok()) {
      answer(reply, status.error().errno_value, {});
      ::_exit(0);
    }
    const int unshared = ::unshare(CLONE_NEWPID);
    const pid_t pid = unshared == 0 ? ::fork() : -1;
    if (pid == 0) {
      status->write_end.reset();  // It shall not tell of itself.
      become_worker(start, std::move(user_namespace), std::move(reply), std::move(status->read_end),
                    main_);
    }
    int error = pid < 0 ? errno : 0;
    const UniqueFd pidfd(error == 0 ? sys::pidfd_open(pid) : -1);
    if (error == 0 && !pidfd) error = -pidfd.get();
    const std::array fds{pidfd.get(), status->read_end.get()};
    answer(reply, error, std::span(fds).first(error == 0 ? fds.size() : 0));
    reply.reset();
    if (error != 0 && pid > 0) (void)::kill(pid, SIGKILL);
    if (pid > 0) tell_end(pid, status->write_end);
    ::_exit(0);
  }

  UniqueFd socket_;
  WorkerMain main_;
  std::vector<UniqueFd> parents_;  ///< Of the workers.
};

}  // namespace

void serve_workers(UniqueFd socket, WorkerMain main) {
  // Out of the terminal's foreground group: Ctrl-C is for the one who cancels in good order.
  (void)::setsid();
  (void)::prctl(PR_SET_NAME, "stagebox-work", 0, 0, 0);
  (void)::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE})
    (void)::signal(signal, SIG_IGN);
  keep_only(socket.get());
  Server(std::move(socket), main).run();
  ::_exit(0);
}

}  // namespace stagebox::sandbox
