// The network allow-list against real sandboxes: a server on this machine's loopback plays the
// outside world.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "runtime/base/files.h"
#include "sandbox/network/network_channel.h"
#include "tests/kernel/sandbox_fixture.h"

namespace stagebox::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// Answers every connection to 127.0.0.1 with the same HTTP response, one after the other.
class HelloServer {
 public:
  HelloServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    struct sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<struct sockaddr*>(&address);
    socklen_t size = sizeof(address);
    EXPECT_EQ(::bind(listener_.get(), generic, size), 0);
    EXPECT_EQ(::listen(listener_.get(), 128), 0);
    EXPECT_EQ(::getsockname(listener_.get(), generic, &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  HelloServer(const HelloServer&) = delete;
  HelloServer& operator=(const HelloServer&) = delete;
  ~HelloServer() {
    (void)::shutdown(listener_.get(), SHUT_RDWR);
    thread_.join();
  }
  [[nodiscard]] std::string port() const { return std::to_string(port_); }
  /// Called while a client waits for its answer. Set before the first one comes.
  std::function<void()> on_request;

 private:
  void serve() const {
    for (;;) {
      const base::UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
      if (!client) return;
      std::array<char, 4096> request{};
      if (::recv(client.get(), request.data(), request.size(), 0) <= 0) continue;
      if (on_request) on_request();
      constexpr std::string_view kReply = "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";
      (void)::send(client.get(), kReply.data(), kReply.size(), MSG_NOSIGNAL);
    }
  }

  base::UniqueFd listener_;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

class NetworkTest : public SandboxTest {
 protected:
  struct Outcome {
    std::string output;
    std::string connections;  ///< See sandbox/network/connection_log.h.
  };

  void allow(const std::vector<std::string>& texts) {
    for (const std::string& text : texts) {
      auto rule = base::NetworkRule::parse(text);
      ASSERT_TRUE(rule.ok()) << text;
      rules_.push_back(std::move(*rule));
    }
  }

  Outcome run_well(const std::string& script) {
    const std::string log = dir_.path("connections");
    const auto events = base::open_path(log, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    auto channel = sandbox::network::NetworkChannel::make();
    EXPECT_TRUE(events.ok() && channel.ok());
    network_channel_ = channel->take_sandbox_end();
    spec_.proxy = sandbox::ProxyListener{sandbox::network::kProxyPort};
    std::optional<sandbox::network::ProxySession> session;
    on_start_ = [&](const sandbox::Sandbox& /*running*/) {
      const auto listener = channel->receive("listening socket");
      ASSERT_TRUE(listener.ok()) << listener.error().message;
      auto started = proxies().start_session(rules_, listener->get(), events->get());
      ASSERT_TRUE(started.ok()) << started.error().message;
      session = std::move(*started);
    };
    const auto result = run("export http_proxy=http://127.0.0.1:3128; " + script);
    EXPECT_TRUE(result.ok()) << result.error().message;
    if (session) session->finish();
    auto connections = base::read_file(log, std::size_t{1} << 20U);
    EXPECT_TRUE(connections.ok());
    return {result.ok() ? result->output : "", connections.ok() ? *connections : ""};
  }

  HelloServer server_;
  std::vector<base::NetworkRule> rules_;
};

TEST_F(NetworkTest, WhatIsNamedIsReachedThroughTheProxy) {
  allow({"127.0.0.1:" + server_.port()});
  const auto result = run_well("wget -q -O - http://127.0.0.1:" + server_.port() + "/x");
  EXPECT_EQ(result.output, "hello\n");
  EXPECT_THAT(result.connections, HasSubstr(R"("verdict":"allowed","protocol":"http")"));
  EXPECT_THAT(result.connections, HasSubstr(R"("host":"127.0.0.1","port":)" + server_.port()));
}

TEST_F(NetworkTest, ConnectAndSocksReachItToo) {
  allow({"127.0.0.1:" + server_.port()});
  const auto connected =
      run_well("printf 'CONNECT 127.0.0.1:" + server_.port() +
               " HTTP/1.1\\r\\n\\r\\nGET / HTTP/1.0\\r\\n\\r\\n' | nc 127.0.0.1 3128");
  EXPECT_THAT(connected.output, HasSubstr("HTTP/1.1 200 Connection established"));
  EXPECT_THAT(connected.output, HasSubstr("hello\n"));
  EXPECT_THAT(connected.connections, HasSubstr(R"("protocol":"connect")"));
  const auto socks =
      run_well("port=" + server_.port() +
               R"(; hi=$(printf '%03o' $((port / 256))); lo=$(printf '%03o' $((port % 256)))
printf "\005\001\000\005\001\000\001\177\000\000\001\\$hi\\${lo}GET / HTTP/1.0\r\n\r\n" | nc 127.0.0.1 3128)");
  EXPECT_THAT(socks.output, HasSubstr("hello\n"));
  EXPECT_THAT(socks.connections, HasSubstr(R"("protocol":"socks5")"));
}

TEST_F(NetworkTest, WhatIsNotNamedIsRefusedAndRecorded) {
  allow({"127.0.0.1:1"});
  const auto result =
      run_well("wget -O - http://127.0.0.1:" + server_.port() + "/ 2>&1 && echo reached");
  EXPECT_THAT(result.output, HasSubstr("403"));
  EXPECT_THAT(result.output, Not(HasSubstr("reached")));
  EXPECT_THAT(result.connections, HasSubstr(R"("verdict":"refused")"));
}

TEST_F(NetworkTest, ThereIsNothingButTheProxy) {
  allow({"127.0.0.1:" + server_.port()});
  const auto result =
      run_well("nc -w 2 127.0.0.1 " + server_.port() +
               " </dev/null && echo reached; ip -o link | wc -l; cat /proc/net/route | wc -l");
  EXPECT_THAT(result.output, Not(HasSubstr("reached")));
  EXPECT_THAT(result.output, HasSubstr("1\n1\n"));  // loopback, and only the heading of the routes
}

TEST_F(NetworkTest, AListedNameThatLeadsToThisMachineIsRefused) {
  allow({"localhost:" + server_.port()});
  const auto result = run_well("wget -O - http://localhost:" + server_.port() + "/ 2>&1");
  EXPECT_THAT(result.output, HasSubstr("403"));
  EXPECT_THAT(result.connections, HasSubstr("only private addresses"));
}

TEST_F(NetworkTest, AListedNameAndAListedAddressTogetherReachIt) {
  allow({"localhost:" + server_.port(), "127.0.0.0/8:" + server_.port()});
  EXPECT_EQ(run_well("wget -q -O - http://localhost:" + server_.port() + "/").output, "hello\n");
}

TEST_F(NetworkTest, NonsenseIsAnsweredAndRecorded) {
  allow({});
  const auto result = run_well(
      "printf 'nonsense\\r\\n\\r\\n' | nc 127.0.0.1 3128; printf '\\005\\001\\002' | nc 127.0.0.1 "
      "3128 | od -c");
  EXPECT_THAT(result.output, HasSubstr("400 Bad Request"));
  EXPECT_THAT(result.connections, HasSubstr(R"("verdict":"malformed")"));
}

TEST_F(NetworkTest, ManyConnectionsAreServedWithABound) {
  allow({"127.0.0.1:" + server_.port()});
  const auto result = run_well(
      "for i in $(seq 1 200); do nc 127.0.0.1 3128 </dev/null >/dev/null & done; "
      "wget -q -O - http://127.0.0.1:" +
      server_.port() + "/; wait");
  EXPECT_THAT(result.output, HasSubstr("hello\n"));
}

// The value of "Key:\tvalue" in a process's status; empty when it has none or is gone.
std::string status_of(const std::string& pid, const std::string& key) {
  std::ifstream status("/proc/" + pid + "/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":\t")) return line.substr(key.size() + 2);
  }
  return "";
}

// The proxies that this test's server has started; other tests run at the same time.
std::vector<std::string> proxies_of_this_process() {
  std::vector<std::string> found;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string pid = entry.path().filename();
    if (status_of(pid, "Name") != "stagebox-net") continue;
    if (status_of(status_of(pid, "PPid"), "PPid") == std::to_string(::getpid()))
      found.push_back(pid);
  }
  return found;
}

// Those that are still there when a dying one has had all the time that it may need.
std::vector<std::string> proxies_that_stay() {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  std::vector<std::string> left = proxies_of_this_process();
  while (!left.empty() && std::chrono::steady_clock::now() < end) {
    std::this_thread::yield();
    left = proxies_of_this_process();
  }
  return left;
}

TEST_F(NetworkTest, NothingOfTheProxyOutlivesTheSandbox) {
  allow({"127.0.0.1:" + server_.port()});
  std::size_t alive = 0;
  server_.on_request = [&] { alive = proxies_of_this_process().size(); };
  // Connections that nobody ever ends are open when the sandbox dies.
  (void)run_well(
      "for i in 1 2 3; do sleep 1000 | nc 127.0.0.1 3128 & done; "
      "wget -q -O - http://127.0.0.1:" +
      server_.port() + "/");
  EXPECT_EQ(alive, 1U);
  EXPECT_THAT(proxies_that_stay(), ::testing::IsEmpty());
}

TEST_F(NetworkTest, TheProxyHasNoPrivileges) {
  allow({"127.0.0.1:" + server_.port()});
  std::string capabilities;
  std::string no_new_privileges;
  std::string filter;
  server_.on_request = [&] {
    for (const std::string& pid : proxies_of_this_process()) {
      capabilities = status_of(pid, "CapEff") + status_of(pid, "CapPrm");
      no_new_privileges = status_of(pid, "NoNewPrivs");
      filter = status_of(pid, "Seccomp");
    }
  };
  (void)run_well("wget -q -O - http://127.0.0.1:" + server_.port() + "/");
  EXPECT_EQ(capabilities, std::string(32, '0'));
  EXPECT_EQ(no_new_privileges, "1");
  EXPECT_EQ(filter, "2");
}

}  // namespace
}  // namespace stagebox::testing
