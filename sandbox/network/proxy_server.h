// ProxyServer: makes the proxies through which sandboxes reach what their allow-lists name. A
// sandbox with an allow-list has no network interface but loopback; a socket that listens there was
// handed out to us, so there is nothing to bypass. Each sandbox gets a process of its own that
// reads what the stage says; Stagebox itself never does. Those processes are forked by one small
// process that was started first, like the fork server.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "runtime/base/network_rule.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::sandbox::network {

/// Where the proxy listens inside of a sandbox: 127.0.0.1, the port that proxies are looked for at.
inline constexpr std::uint16_t kProxyPort = 3128;

/// The proxy of one running sandbox.
class ProxySession {
 public:
  ProxySession(ProxySession&&) = default;
  ProxySession& operator=(ProxySession&&) = default;
  /// Ends it without waiting.
  ~ProxySession() = default;

  /// After the death of the sandbox: waits (briefly: nobody is left to talk to) until the proxy is
  /// gone and its log complete. How many connections are not in the log because it could not be
  /// written; none: it was killed before it could tell, and there may be more than it has written.
  std::optional<std::uint64_t> finish();

 private:
  friend class ProxyServer;
  explicit ProxySession(base::UniqueFd control) : control_(std::move(control)) {}
  base::UniqueFd control_;
};

class ProxyServer {
 public:
  /// Forks the server. Only while the process has one thread. `unprivileged_id` is what the proxies
  /// run as, user and group: an id that nothing else runs as; none: they stay who we are, without
  /// capabilities.
  static base::Result<std::unique_ptr<ProxyServer>> start(std::optional<uid_t> unprivileged_id);
  /// Tells the server to end, and all proxies.
  void end() { socket_.reset(); }
  /// The same, and waits for it.
  ~ProxyServer();
  ProxyServer(const ProxyServer&) = delete;
  ProxyServer& operator=(const ProxyServer&) = delete;

  /// `listener` listens in the sandbox's network namespace; `events_fd` is open for appending (see
  /// ConnectionLog). The caller keeps its descriptors. Thread-safe.
  base::Result<ProxySession> start_session(const std::vector<base::NetworkRule>& rules,
                                           int listener, int events_fd);

 private:
  ProxyServer(pid_t pid, base::UniqueFd socket) : pid_(pid), socket_(std::move(socket)) {}

  pid_t pid_;
  base::UniqueFd socket_;
};

}  // namespace stagebox::sandbox::network
