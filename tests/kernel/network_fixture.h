// What tests of the network allow-list share: a server on this machine's loopback that plays the
// outside world, and a sandbox that has a proxy.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "runtime/base/network_rule.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/network/proxy_server.h"
#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {

/// Answers every connection to 127.0.0.1 with the same HTTP response, one after the other.
class HelloServer {
 public:
  HelloServer();
  HelloServer(const HelloServer&) = delete;
  HelloServer& operator=(const HelloServer&) = delete;
  ~HelloServer();
  [[nodiscard]] std::string port() const { return std::to_string(port_); }
  /// Called while a client waits for its answer. Set before the first one comes.
  std::function<void()> on_request;
  /// The same, with what it said; true: there is nothing more to answer. May take the connection.
  std::function<bool(base::UniqueFd& client, std::string_view request)> take_over;

 private:
  void serve() const;

  base::UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

/// The proxies that this process's servers have started; other tests run at the same time.
std::vector<std::string> proxies_of_this_process();

class NetworkTest : public SandboxTest {
 protected:
  struct Outcome {
    std::string output;
    std::string connections;                           ///< See sandbox/network/connection_log.h.
    std::optional<std::uint64_t> lost = std::nullopt;  ///< ProxySession::finish().
  };

  void allow(const std::vector<std::string>& texts);
  /// A script in a sandbox with these rules; not started by itself is a failure of the test.
  Outcome run_well(const std::string& script);
  void start_own_proxies();

  HelloServer server_;
  std::vector<base::NetworkRule> rules_;
  std::string log_path_;  ///< Where the proxy writes; empty: a file of its own.
  std::unique_ptr<sandbox::network::ProxyServer> own_proxies_;  ///< Instead of proxies().
};

}  // namespace stagebox::testing
