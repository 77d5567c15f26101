#include "sandbox/network/proxy_check.h"

#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/base/wait_ready.h"

namespace stagebox::sandbox::network {
namespace {

using base::Result;
using base::UniqueFd;

constexpr std::chrono::seconds kAnswerTimeout{5};

struct Loopback {
  UniqueFd listener;
  UniqueFd client;  ///< Connected to it.
};

Result<Loopback> connect_loopback() {
  Loopback both;
  both.listener.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  both.client.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!both.listener || !both.client) return base::errno_error("make a socket");
  struct sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<struct sockaddr*>(&address);
  socklen_t size = sizeof(address);
  if (::bind(both.listener.get(), generic, size) != 0 || ::listen(both.listener.get(), 1) != 0 ||
      ::getsockname(both.listener.get(), generic, &size) != 0)
    return base::errno_error("listen on 127.0.0.1");
  if (::connect(both.client.get(), generic, size) != 0)
    return base::errno_error("connect to 127.0.0.1");
  return both;
}

Result<void> expect_refusal(int proxy) {
  constexpr std::string_view kWish = "CONNECT example.org:443 HTTP/1.1\r\n\r\n";
  constexpr std::string_view kRefused = "HTTP/1.1 403 ";
  if (::send(proxy, kWish.data(), kWish.size(), MSG_NOSIGNAL) < 0)
    return base::errno_error("write to the proxy");
  std::array<char, kRefused.size()> answer{};
  if (!base::wait_ready(proxy, POLLIN, kAnswerTimeout))
    return base::system_error("wait for the proxy", ETIMEDOUT);
  const ssize_t count = ::recv(proxy, answer.data(), answer.size(), 0);
  if (count < 0) return base::errno_error("read from the proxy");
  if (std::string_view(answer.data(), static_cast<std::size_t>(count)) != kRefused)
    return base::system_error("have the proxy refuse a connection", EPROTO);
  return {};
}

Result<void> ask_a_proxy(ProxyServer& server) {
  const Loopback both = TRY(connect_loopback());
  const UniqueFd events(::memfd_create("connections", MFD_CLOEXEC));
  if (!events) return base::errno_error("create a memory file");
  ProxySession session = TRY(server.start_session({}, both.listener.get(), events.get()));
  auto refused = expect_refusal(both.client.get());
  session.finish();
  return refused;
}

}  // namespace

Check check_allow_list(ProxyServer& server) {
  const std::string name = "network: allow";
  const auto asked = ask_a_proxy(server);
  if (!asked.ok())
    return {name, Check::State::kRefused, asked.error().message,
            "run it where 127.0.0.1 is up, and no filter around Stagebox hides seccomp(2)"};
  return {
      name, Check::State::kEnforced,
      "HTTP, CONNECT and SOCKS5 through a proxy outside that has no privileges; the sandbox has "
      "no interface",
      ""};
}

}  // namespace stagebox::sandbox::network
