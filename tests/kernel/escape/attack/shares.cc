// What the kernel counts for a user or for the whole machine: as much of it as can be had.
#include <fcntl.h>
#include <mqueue.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <ctime>

#include "tests/kernel/escape/attack/attack.h"

namespace attack {
namespace {

bool take_inotify() { return ::inotify_init1(0) >= 0; }

bool take_terminal() { return ::posix_openpt(O_RDWR | O_NOCTTY) >= 0; }

// Each has a signal of its own in store.
bool take_timer() {
  struct sigevent event{};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGUSR1;
  timer_t timer{};
  return ::timer_create(CLOCK_MONOTONIC, &event, &timer) == 0;
}

bool take_aio_context() {
  unsigned long context = 0;
  return ::syscall(SYS_io_setup, 64, &context) == 0;
}

// A socket full of datagrams to itself, of which nobody reads one. False when it stays empty.
bool take_datagrams() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM, 0);
  const int room = 1 << 30;  // The kernel makes it what it allows.
  (void)::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
  struct sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* name = reinterpret_cast<struct sockaddr*>(&address);
  if (::bind(socket, name, size) != 0 || ::getsockname(socket, name, &size) != 0) return false;
  static char bytes[32'000];
  for (int i = 0; i < 64; ++i) (void)::sendto(socket, bytes, sizeof(bytes), 0, name, size);
  int waiting = 0;
  return ::ioctl(socket, FIONREAD, &waiting) == 0 && waiting > 0;
}

struct Share {
  const char* name;
  bool (*take)();
};
constexpr Share kShares[] = {{"inotify", take_inotify},
                             {"terminals", take_terminal},
                             {"timers", take_timer},
                             {"aio", take_aio_context},
                             {"datagrams", take_datagrams}};

}  // namespace

// take NAME: until there is no more, or very much. Says how many it has, and keeps them until its
// end, which is never.
int take_shares(int count, char** arguments) {
  constexpr long kVeryMuch = 200'000;
  for (const Share& share : kShares) {
    if (count != 1 || std::strcmp(share.name, arguments[0]) != 0) continue;
    long taken = 0;
    while (taken < kVeryMuch && share.take()) ++taken;
    std::printf("%ld\n", taken);
    (void)std::fflush(stdout);
    for (;;) (void)::pause();
  }
  return 2;
}

// No attack: what a program does that has a message queue.
int message_queue(int /*count*/, char** /*arguments*/) {
  struct mq_attr attributes{};
  attributes.mq_maxmsg = 1;
  attributes.mq_msgsize = 8;
  const mqd_t queue = ::mq_open("/queue", O_CREAT | O_EXCL | O_RDWR, 0600, &attributes);
  tell("mq_open", queue);
  tell("mq_send", ::mq_send(queue, "x", 1, 0));
  char message[8];
  tell("mq_receive", ::mq_receive(queue, message, sizeof(message), nullptr));
  tell("mq_unlink", ::mq_unlink("/queue"));
  return 0;
}

// Executes a command with a descriptor as standard input that came over the socket that was it.
int with_received(int count, char** arguments) {
  char byte = 0;
  struct iovec data{&byte, 1};
  alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  struct msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  if (count < 1 || ::recvmsg(0, &message, 0) < 0) return 2;
  const struct cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_type != SCM_RIGHTS) return 2;
  int fd = -1;
  std::memcpy(&fd, CMSG_DATA(header), sizeof(fd));
  if (::dup2(fd, 0) != 0) return 2;
  ::execvp(arguments[0], arguments);
  return 2;
}

}  // namespace attack
