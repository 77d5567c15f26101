#include "tests/kernel/network_fixture.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <optional>

#include "runtime/base/files.h"
#include "sandbox/network/network_channel.h"
#include "tests/kernel/host_process.h"

namespace stagebox::testing {

HelloServer::HelloServer() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
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

HelloServer::~HelloServer() {
  (void)::shutdown(listener_.get(), SHUT_RDWR);
  thread_.join();
}

void HelloServer::serve() const {
  for (;;) {
    base::UniqueFd client(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!client) return;
    std::array<char, 4096> request{};
    const ssize_t count = ::recv(client.get(), request.data(), request.size(), 0);
    if (count <= 0) continue;
    if (take_over && take_over(client, {request.data(), static_cast<std::size_t>(count)})) continue;
    if (on_request) on_request();
    constexpr std::string_view kReply = "HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nhello\n";
    (void)::send(client.get(), kReply.data(), kReply.size(), MSG_NOSIGNAL);
  }
}

std::vector<std::string> proxies_of_this_process() {
  return processes([](const std::string& pid) {
    return status_of(pid, "Name") == "stagebox-net" && descends_from_us(pid);
  });
}

void NetworkTest::allow(const std::vector<std::string>& texts) {
  for (const std::string& text : texts) {
    auto rule = base::NetworkRule::parse(text);
    ASSERT_TRUE(rule.ok()) << text;
    rules_.push_back(std::move(*rule));
  }
}

NetworkTest::Outcome NetworkTest::run_well(const std::string& script) {
  const std::string own = dir_.path("connections");
  const auto made = base::open_path(own, O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
  const auto events =
      base::open_path(log_path_.empty() ? own : log_path_, O_WRONLY | O_APPEND, 0600);
  EXPECT_TRUE(made.ok());
  auto channel = sandbox::network::NetworkChannel::make();
  EXPECT_TRUE(events.ok() && channel.ok());
  network_channel_ = channel->take_sandbox_end();
  spec_.proxy = sandbox::ProxyListener{sandbox::network::kProxyPort};
  std::optional<sandbox::network::ProxySession> session;
  on_start_ = [&](const sandbox::Sandbox& /*running*/) {
    const auto listener = channel->receive("listening socket");
    ASSERT_TRUE(listener.ok()) << listener.error().message;
    auto& server = own_proxies_ ? *own_proxies_ : proxies();
    auto started = server.start_session(rules_, listener->get(), events->get());
    ASSERT_TRUE(started.ok()) << started.error().message;
    session = std::move(*started);
  };
  const auto result = run("export http_proxy=http://127.0.0.1:3128; " + script);
  EXPECT_TRUE(result.ok()) << result.error().message;
  const auto lost = session ? session->finish() : std::nullopt;
  auto connections = base::read_file(own, std::size_t{1} << 22U);
  EXPECT_TRUE(connections.ok());
  return {result.ok() ? result->output : "", connections.ok() ? *connections : "", lost};
}

void NetworkTest::start_own_proxies() {
  auto started = sandbox::network::ProxyServer::start(ids()->unprivileged_id());
  ASSERT_TRUE(started.ok()) << started.error().message;
  own_proxies_ = std::move(*started);
}

}  // namespace stagebox::testing
