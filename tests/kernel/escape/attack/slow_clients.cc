// Clients of the proxy that keep it waiting: one holds as many connections as it is told to.
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "tests/kernel/escape/attack/attack.h"

namespace attack {
namespace {

constexpr int kProxyPort = 3128;

// Begins to connect. Those that find no room wait in the kernel, and do not hold up the others.
std::vector<struct pollfd> begin_connections(int count) {
  struct rlimit files{};
  (void)::getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  (void)::setrlimit(RLIMIT_NOFILE, &files);
  struct sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(kProxyPort);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::vector<struct pollfd> sockets;
  for (int i = 0; i < count; ++i) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    if (socket < 0) break;
    (void)::connect(socket, reinterpret_cast<struct sockaddr*>(&address), sizeof(address));
    sockets.push_back({socket, POLLOUT, 0});
  }
  return sockets;
}

bool send_to(const struct pollfd& socket, const std::string& text) {
  return ::send(socket.fd, text.data(), text.size(), MSG_NOSIGNAL) >= 0 || errno == EAGAIN;
}

// How many of them can be written to, when that has not changed for a while.
int connected(std::vector<struct pollfd>& sockets) {
  int last = -1;
  for (int now = 0; now != last; ::usleep(500'000)) {
    last = now;
    now = ::poll(sockets.data(), sockets.size(), 0);
  }
  return last;
}

// A head that goes on for ever, a few bytes at a time, on each connection.
int drip(std::vector<struct pollfd>& sockets) {
  std::vector<bool> begun(sockets.size());
  bool is_said = false;
  for (std::size_t open = sockets.size(); open > 0; ::usleep(200'000)) {
    (void)::poll(sockets.data(), sockets.size(), 0);
    for (std::size_t i = 0; i < sockets.size(); ++i) {
      if (sockets[i].fd < 0 || sockets[i].revents == 0) continue;
      const bool sent =
          send_to(sockets[i], begun[i] ? "X: y\r\n" : "GET http://127.0.0.1/ HTTP/1.1\r\n");
      begun[i] = true;
      if (sent && (sockets[i].revents & (POLLHUP | POLLERR)) == 0) continue;
      ::close(sockets[i].fd);
      sockets[i].fd = -1;
      --open;
    }
    if (is_said || std::ranges::find(begun, false) != begun.end()) continue;
    is_said = true;
    std::puts("begun");
    (void)std::fflush(stdout);
  }
  std::puts("all were given up");
  return 0;
}

// Asks, and does not read what comes.
int ask(std::vector<struct pollfd>& sockets, const std::string& port) {
  const std::string request = "GET http://127.0.0.1:" + port + "/endless HTTP/1.1\r\n\r\n";
  for (struct pollfd& socket : sockets) {
    (void)::poll(&socket, 1, -1);
    if (!send_to(socket, request)) return 1;
  }
  return 0;
}

}  // namespace

// Arguments: "drip", "idle" or "unread", how many, and for "unread" the port of a server. The first
// says "begun" when each connection has; it ends when all were given up. The last two say "holding
// N of M" and go on holding them for as long as the standard input is open.
int slow_clients(int count, char** arguments) {
  if (count < 2) return 2;
  const std::string kind = arguments[0];
  std::vector<struct pollfd> sockets = begin_connections(std::atoi(arguments[1]));
  if (kind == "drip") return drip(sockets);
  if (kind == "unread" && (count < 3 || ask(sockets, arguments[2]) != 0)) return 1;
  std::printf("holding %d of %zu\n", connected(sockets), sockets.size());
  (void)std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

}  // namespace attack
