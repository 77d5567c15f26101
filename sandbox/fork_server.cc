#include "sandbox/fork_server.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "runtime/base/files.h"
#include "sandbox/fd_message.h"
#include "sandbox/fork_server_program.h"
#include "sandbox/fork_server_protocol.h"
#include "sandbox/kernel_features.h"

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
    case StartReply::Step::kMapIds:
      return base::system_error("map the ids of the sandbox", reply.error);
    case StartReply::Step::kJoinCgroup:
      return base::system_error("move the sandbox into its cgroup", reply.error);
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
  SocketPair sockets = TRY(make_socket_pair());
  const pid_t pid = TRY(spawn_fork_server(sockets.theirs.get()));
  return std::unique_ptr<ForkServer>(new ForkServer(pid, std::move(sockets.ours)));
}

ForkServer::~ForkServer() {
  socket_.reset();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<UniqueFd> ForkServer::clone_sandbox(const Request& request) {
  const UniqueFd plan = TRY(plan_file(request.plan));
  SocketPair reply_sockets = TRY(make_socket_pair());
  StartRequest start{};
  start.has_cgroup_dir = request.cgroup_dir >= 0 ? 1 : 0;
  start.v1_procs = static_cast<std::uint32_t>(request.cgroup_procs.size());
  start.step_fds = static_cast<std::uint32_t>(request.step_fds.size());
  start.deny_setgroups = request.deny_setgroups ? 1 : 0;
  request.ids.line().copy(start.id_map.data(), start.id_map.size() - 1);
  std::vector<int> fds{
      reply_sockets.theirs.get(), plan.get(),       request.report_fd, request.exit_fd,
      request.stdio[0],           request.stdio[1], request.stdio[2]};
  if (request.cgroup_dir >= 0) fds.push_back(request.cgroup_dir);
  fds.insert(fds.end(), request.cgroup_procs.begin(), request.cgroup_procs.end());
  fds.insert(fds.end(), request.step_fds.begin(), request.step_fds.end());
  TRY(send_message(socket_.get(), std::as_bytes(std::span(&start, 1)), fds));
  reply_sockets.theirs.reset();

  StartReply reply{};
  Message message =
      TRY(receive_message(reply_sockets.ours.get(), std::as_writable_bytes(std::span(&reply, 1))));
  if (message.size != sizeof(reply))
    return base::system_error("ask the fork server, which is gone", ESRCH);
  if (reply.error != 0) return explain(reply);
  if (message.fds.empty()) return base::system_error("receive a pidfd", EBADMSG);
  return std::move(message.fds.front());
}

}  // namespace stagebox::sandbox
