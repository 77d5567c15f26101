#include "sandbox/network/proxy_server.h"

#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <string>

#include "sandbox/fork_server/fd_message.h"
#include "sandbox/fork_server/helper.h"
#include "sandbox/network/proxy_server_process.h"
#include "sandbox/network/session_filter.h"
#include "sandbox/seccomp/seccomp_policy.h"

namespace stagebox::sandbox::network {
namespace {

using base::Result;
using base::UniqueFd;

}  // namespace

std::optional<std::uint64_t> ProxySession::finish() {
  if (!control_.valid()) return std::nullopt;
  (void)::shutdown(control_.get(), SHUT_WR);
  std::uint64_t lost = 0;
  std::uint64_t nothing = 0;
  const auto read_one = [this](std::uint64_t& into) {
    ssize_t count = -1;
    do {
      count = ::read(control_.get(), &into, sizeof(into));
    } while (count < 0 && errno == EINTR);
    return count;
  };
  const bool told = read_one(lost) == sizeof(lost);
  // Then its end.
  if (told) (void)read_one(nothing);
  control_.reset();
  return told ? std::optional(lost) : std::nullopt;
}

Result<std::unique_ptr<ProxyServer>> ProxyServer::start(std::optional<uid_t> unprivileged_id) {
  SocketPair sockets = TRY(make_socket_pair());
  const auto filter = TRY(compile_seccomp(session_rules(), DeniedCalls::kAnswered));
  const pid_t pid = ::fork();
  if (pid < 0) return base::errno_error("fork the proxy server");
  if (pid == 0) {
    sockets.ours.reset();
    serve_sessions(sockets.theirs.release(), {unprivileged_id, filter});
  }
  return std::unique_ptr<ProxyServer>(new ProxyServer(pid, std::move(sockets.ours)));
}

ProxyServer::~ProxyServer() {
  end();
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
}

Result<ProxySession> ProxyServer::start_session(const std::vector<base::NetworkRule>& rules,
                                                int listener, int events_fd) {
  std::string text;
  for (const base::NetworkRule& rule : rules) text += rule.text() + "\n";
  if (text.size() > kMaxRulesText) {
    return base::invalid("the network allow-list is longer than " + std::to_string(kMaxRulesText) +
                         " bytes");
  }
  SocketPair control = TRY(make_socket_pair());
  const std::array<int, kSessionFds> fds{control.theirs.get(), listener, events_fd};
  // A message of no bytes would look like the end.
  if (text.empty()) text = "\n";
  TRY(send_to_helper(socket_.get(), std::as_bytes(std::span(text)), fds,
                     "connects stages with the network"));
  return ProxySession(std::move(control.ours));
}

}  // namespace stagebox::sandbox::network
