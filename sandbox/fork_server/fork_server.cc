#include "sandbox/fork_server/fork_server.h"

#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "runtime/base/files.h"
#include "sandbox/fork_server/fd_message.h"
#include "sandbox/fork_server/fork_server_program.h"
#include "sandbox/fork_server/fork_server_protocol.h"
#include "sandbox/ids/id_mappings.h"
#include "sandbox/kernel/kernel_features.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;

Result<UniqueFd> plan_file(std::span<const std::byte> plan) {
  UniqueFd file(::memfd_create("plan", MFD_CLOEXEC));
  if (!file) return base::errno_error("create a memory file");
  TRY(base::write_all(file.get(), plan));
  return file;
}

struct OneNamespace {
  Sharing sharing;
  std::uint32_t flag;
};

// Those that need not be the sandbox's own.
std::array<OneNamespace, 5> optional_namespaces(const Namespaces& namespaces) {
  return {{{namespaces.network, CLONE_NEWNET},
           {namespaces.ipc, CLONE_NEWIPC},
           {namespaces.uts, CLONE_NEWUTS},
           {namespaces.cgroup, CLONE_NEWCGROUP},
           {namespaces.time, CLONE_NEWTIME}}};
}

// What is not the host's.
std::uint32_t clone_flags(const Namespaces& namespaces) {
  std::uint32_t flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID;
  for (const auto& [sharing, flag] : optional_namespaces(namespaces)) {
    if (sharing != Sharing::kWithHost) flags |= flag;
  }
  if (!KernelFeatures::probed().time_namespace) flags &= ~std::uint32_t{CLONE_NEWTIME};
  return flags;
}

std::uint32_t entered_flags(const Namespaces& namespaces) {
  std::uint32_t flags = 0;
  for (const auto& [sharing, flag] : optional_namespaces(namespaces)) {
    if (sharing == Sharing::kGiven || sharing == Sharing::kWithSandbox) flags |= flag;
  }
  return flags;
}

Result<void> put_map(const std::vector<IdRange>& ranges, std::array<char, 4096>& text) {
  const std::string map = id_map_text(ranges);
  if (map.size() >= text.size())
    return base::invalid("the mapping of ids does not fit into the page that the kernel takes");
  map.copy(text.data(), map.size());
  return {};
}

void reap(pid_t pid) {
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
}

base::Error explain(const StartReply& reply) {
  switch (reply.step) {
    case StartReply::Step::kClone: {
      if (reply.error == EAGAIN || reply.error == ENOSPC || reply.error == EUSERS) {
        return base::system_error("clone the sandbox (too many processes or namespaces)",
                                  reply.error);
      }
      base::Error error = base::unsupported(
          "create the namespaces of the sandbox: " + base::errno_text(reply.error) +
          "; `stagebox doctor` shows what is missing");
      error.errno_value = reply.error;
      return error;
    }
    case StartReply::Step::kCreator:
      return base::system_error(
          "become the id that makes the sandbox's namespaces (that takes CAP_SETUID and "
          "CAP_SETPCAP)",
          reply.error);
    case StartReply::Step::kMapIds:
      return base::system_error("map the ids of the sandbox", reply.error);
    case StartReply::Step::kJoinCgroup:
      return base::system_error("move a process into the cgroup of the sandbox", reply.error);
    case StartReply::Step::kFind:
      return base::system_error("add a process to a sandbox, which is dead", reply.error);
    case StartReply::Step::kJoin:
      return base::system_error("enter the namespaces of the sandbox", reply.error);
    case StartReply::Step::kMap:
      break;
  }
  return base::system_error("hand the plan to the fork server", reply.error);
}

}  // namespace

Result<std::unique_ptr<ForkServer>> ForkServer::start() {
  // No core file with a stage's secrets in it, and nothing to be read through /proc by a sandbox
  // that has this user's own id.
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) return base::errno_error("become undumpable");
  TRY(check_required_system_calls());
  sigset_t signals;
  if (::pthread_sigmask(SIG_SETMASK, nullptr, &signals) != 0)
    return base::errno_error("read the signal mask");
  return std::unique_ptr<ForkServer>(new ForkServer(signals));
}

Result<ForkServer::Server> ForkServer::running() {
  const std::lock_guard guard(starting_);
  if (pid_ <= 0) {
    SocketPair sockets = TRY(make_socket_pair());
    pid_ = TRY(spawn_fork_server(sockets.theirs.get(), signals_));
    socket_ = std::move(sockets.ours);
  }
  return Server{socket_.get(), dead_sockets_.size()};
}

Result<ForkServer::Server> ForkServer::running_instead_of(const Server& dead) {
  {
    const std::lock_guard guard(starting_);
    // Unless somebody else has found it dead.
    if (pid_ > 0 && dead.killed_before == dead_sockets_.size()) {
      (void)::kill(pid_, SIGKILL);
      reap(std::exchange(pid_, -1));
      dead_sockets_.push_back(std::move(socket_));
    }
  }
  return running();
}

ForkServer::~ForkServer() {
  end();
  if (pid_ > 0) reap(pid_);
}

Result<ForkServer::Cloned> ForkServer::clone_sandbox(const Request& request) {
  StartRequest start{};
  start.kind = StartRequest::Kind::kNewSandbox;
  start.deny_setgroups = request.deny_setgroups ? 1 : 0;
  start.creator = request.creator.value_or(0);
  TRY(put_map(request.ids.users, start.uid_map));
  TRY(put_map(request.ids.groups, start.gid_map));
  Server server = TRY(running());
  auto reply = ask(server.socket, start, request.process, request.entered_namespaces);
  if (!reply.ok() && reply.error().errno_value == EPIPE) {
    server = TRY(running_instead_of(server));
    reply = ask(server.socket, start, request.process, request.entered_namespaces);
  }
  Reply cloned = TRY(std::move(reply));
  return Cloned{std::move(cloned.pidfd), {server.killed_before, cloned.number}};
}

Result<UniqueFd> ForkServer::join(const SandboxId& sandbox, const Process& process) {
  const Server server = TRY(running());
  if (server.killed_before != sandbox.server)
    return base::system_error("add a process to a sandbox, which is dead", ESRCH);
  StartRequest start{};
  start.kind = StartRequest::Kind::kJoin;
  start.sandbox = sandbox.number;
  return std::move(TRY(ask(server.socket, start, process)).pidfd);
}

Result<ForkServer::Reply> ForkServer::ask(int socket, StartRequest& start, const Process& process,
                                          std::span<const int> entered_namespaces) {
  const UniqueFd plan = TRY(plan_file(process.plan));
  SocketPair reply_sockets = TRY(make_socket_pair());
  start.namespaces = clone_flags(process.namespaces);
  start.has_cgroup_dir = process.cgroup_dir >= 0 ? 1 : 0;
  start.entered_namespaces = static_cast<std::uint32_t>(entered_namespaces.size());
  start.entered = entered_flags(process.namespaces);
  start.v1_tasks = static_cast<std::uint32_t>(process.cgroup_tasks.size());
  start.step_fds = static_cast<std::uint32_t>(process.step_fds.size());
  std::vector<int> fds{
      reply_sockets.theirs.get(), plan.get(),       process.report_fd, process.exit_fd,
      process.stdio[0],           process.stdio[1], process.stdio[2]};
  if (process.cgroup_dir >= 0) fds.push_back(process.cgroup_dir);
  fds.insert(fds.end(), entered_namespaces.begin(), entered_namespaces.end());
  fds.insert(fds.end(), process.cgroup_tasks.begin(), process.cgroup_tasks.end());
  fds.insert(fds.end(), process.step_fds.begin(), process.step_fds.end());
  TRY(send_message(socket, std::as_bytes(std::span(&start, 1)), fds));
  reply_sockets.theirs.reset();

  StartReply reply{};
  Message message =
      TRY(receive_message(reply_sockets.ours.get(), std::as_writable_bytes(std::span(&reply, 1))));
  if (message.size != sizeof(reply))
    return base::system_error("ask the fork server, which is gone", ESRCH);
  if (reply.error != 0) return explain(reply);
  if (message.fds.empty()) return base::system_error("receive a pidfd", EBADMSG);
  return Reply{std::move(message.fds.front()), reply.sandbox};
}

}  // namespace stagebox::sandbox
