#include "sandbox/worker/worker_server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>

#include "runtime/base/syscalls.h"
#include "runtime/base/wait_ready.h"
#include "sandbox/fork_server/fd_message.h"
#include "sandbox/fork_server/helper.h"
#include "sandbox/worker/worker_protocol.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;
namespace sys = base::sys;

Result<void> send_task(int socket, const WorkerServer::Task& task) {
  for (std::size_t sent = 0; sent < task.fds.size(); sent += kWorkerBatch) {
    const auto batch =
        std::span(task.fds).subspan(sent, std::min(kWorkerBatch, task.fds.size() - sent));
    constexpr std::array kMark{std::byte{'F'}};
    TRY(send_message(socket, kMark, batch));
  }
  return send_message(socket, task.request, {});
}

constexpr std::string_view kWhat = "reads what others wrote";
// From the end of its socket to its own, on a machine that has much to do.
constexpr std::chrono::seconds kLongestEnd{5};
// Of each second of the limit: the kernel counts what is limited, by its ticks, in another way than
// what was used.
constexpr std::uint64_t kMicrosecondsNearLimit = 500'000;

}  // namespace

void Worker::kill() const { (void)sys::pidfd_send_signal(pidfd_.get(), SIGKILL); }

// Who goes on behind its limit of processor time is killed as by somebody. And who ended its parent
// killed it too.
WorkerEnd Worker::end() const {
  if (!base::wait_ready(pidfd_.get(), POLLIN, kLongestEnd)) return WorkerEnd::kItself;
  if (!base::wait_ready(status_.get(), POLLIN, kLongestEnd)) return WorkerEnd::kItself;
  WorkerStatus status{};
  ssize_t count = -1;
  do {
    count = ::read(status_.get(), &status, sizeof(status));
  } while (count < 0 && errno == EINTR);
  if (count != sizeof(status)) return WorkerEnd::kOthers;
  const bool was_killed =
      WIFSIGNALED(status.wait_status) && WTERMSIG(status.wait_status) == SIGKILL;
  const bool used_all = status.cpu_microseconds >= cpu_seconds_ * kMicrosecondsNearLimit;
  return was_killed && !used_all ? WorkerEnd::kOthers : WorkerEnd::kItself;
}

void Worker::wait() const { (void)base::wait_ready(pidfd_.get(), POLLIN); }

base::Error worker_killed(std::string_view what) {
  return {base::ErrorKind::kSystem, 0,
          "the process of Stagebox that " + std::string(what) + " was killed by signal " +
              std::to_string(SIGKILL) +
              ": somebody did that, or the machine had too little memory; try again"};
}

Result<std::unique_ptr<WorkerServer>> WorkerServer::start(WorkerMain main) {
  SocketPair sockets = TRY(make_socket_pair());
  const pid_t pid = ::fork();
  if (pid < 0) return base::errno_error("fork the worker server");
  if (pid == 0) {
    sockets.ours.reset();
    serve_workers(std::move(sockets.theirs), main);
  }
  return std::unique_ptr<WorkerServer>(new WorkerServer(pid, std::move(sockets.ours)));
}

WorkerServer::~WorkerServer() {
  end();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<Worker> WorkerServer::start_worker(const Task& task) const {
  if (task.fds.size() > kMaxFds || task.request.size() > kMaxRequestBytes) {
    return base::unsupported("a worker's task is too large");
  }
  SocketPair sockets = TRY(make_socket_pair());
  WorkerStart start{};
  start.memory_bytes = task.memory_bytes;
  start.cpu_seconds = task.cpu_seconds;
  start.file_bytes = task.file_bytes;
  start.fds = static_cast<std::uint32_t>(task.fds.size());
  start.writable = task.writable;
  start.deny_setgroups = task.deny_setgroups ? 1 : 0;
  start.request_bytes = static_cast<std::uint32_t>(task.request.size());
  const std::array fds{sockets.theirs.get(), task.user_namespace};
  TRY(send_to_helper(socket_.get(), std::as_bytes(std::span(&start, 1)), fds, kWhat));
  sockets.theirs.reset();
  WorkerStarted started{};
  Message message =
      TRY(receive_message(sockets.ours.get(), std::as_writable_bytes(std::span(&started, 1))));
  if (message.size != sizeof(started)) return helper_gone(kWhat);
  if (started.error != 0) return base::system_error("start a worker process", started.error);
  if (message.fds.size() != 2) return base::system_error("receive a pidfd", EBADMSG);
  Worker worker;
  worker.socket_ = std::move(sockets.ours);
  worker.pidfd_ = std::move(message.fds[0]);
  worker.status_ = std::move(message.fds[1]);
  worker.cpu_seconds_ = task.cpu_seconds;
  // Whatever goes wrong with it, its end is what tells.
  (void)send_task(worker.socket_.get(), task);
  return worker;
}

}  // namespace stagebox::sandbox
