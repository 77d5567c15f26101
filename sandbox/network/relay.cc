#include "sandbox/network/relay.h"

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <vector>

namespace stagebox::sandbox::network {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{64} << 10U;

// One direction: what was read and is not written yet.
class Direction {
 public:
  Direction(int from, int to, std::atomic<std::uint64_t>& bytes)
      : from_(from), to_(to), bytes_(bytes), buffer_(kBufferBytes) {}

  [[nodiscard]] bool is_done() const { return ended_ && is_empty(); }
  [[nodiscard]] bool is_broken() const { return broken_; }
  [[nodiscard]] short wants(int socket) const {
    if (socket == from_ && !ended_ && is_empty()) return POLLIN;
    if (socket == to_ && !is_empty()) return POLLOUT;
    return 0;
  }

  void read() {
    const ssize_t count = ::recv(from_, buffer_.data(), buffer_.size(), 0);
    if (count < 0) {
      broken_ = !is_temporary(errno);
      return;
    }
    start_ = 0;
    end_ = static_cast<std::size_t>(count);
    bytes_ += end_;
    ended_ = count == 0;
    if (ended_) (void)::shutdown(to_, SHUT_WR);
  }

  void write() {
    const ssize_t count = ::send(to_, buffer_.data() + start_, end_ - start_, MSG_NOSIGNAL);
    if (count < 0) {
      broken_ = !is_temporary(errno);
      return;
    }
    start_ += static_cast<std::size_t>(count);
  }

 private:
  [[nodiscard]] bool is_empty() const { return start_ == end_; }
  static bool is_temporary(int error) { return error == EAGAIN || error == EINTR; }

  int from_;
  int to_;
  std::atomic<std::uint64_t>& bytes_;
  std::vector<std::byte> buffer_;
  std::size_t start_ = 0;
  std::size_t end_ = 0;
  bool ended_ = false;
  bool broken_ = false;
};

// Waits until a side that somebody waits for is ready; false after kIdleTimeout.
bool wait_for_either(std::array<struct pollfd, 2>& sides, const Direction& out,
                     const Direction& in) {
  for (struct pollfd& side : sides) {
    side.events = static_cast<short>(out.wants(side.fd) | in.wants(side.fd));
    side.revents = 0;
  }
  // A side nobody waits for must not wake us up: its hang-up is reported whatever is asked.
  std::array<struct pollfd, 2> polled = sides;
  for (struct pollfd& side : polled) {
    if (side.events == 0) side.fd = -1;
  }
  const auto idle = std::chrono::duration_cast<std::chrono::milliseconds>(kIdleTimeout);
  int ready = 0;
  do {
    ready = ::poll(polled.data(), polled.size(), static_cast<int>(idle.count()));
  } while (ready < 0 && errno == EINTR);
  for (std::size_t i = 0; i < sides.size(); ++i) sides.at(i).revents = polled.at(i).revents;
  return ready > 0;
}

// What `side` is ready for in this direction. A hang-up or an error shows in the read or write.
void advance(Direction& direction, const struct pollfd& side) {
  const short wanted = direction.wants(side.fd);
  if (wanted == 0 || (side.revents & (wanted | POLLHUP | POLLERR)) == 0) return;
  if (wanted == POLLIN) {
    direction.read();
  } else {
    direction.write();
  }
}

}  // namespace

void relay(int client, int target, RelayProgress& progress) {
  Direction out(client, target, progress.sent);
  Direction in(target, client, progress.received);
  std::array<struct pollfd, 2> sides{};
  sides[0].fd = client;
  sides[1].fd = target;
  while (!(out.is_done() && in.is_done()) && !out.is_broken() && !in.is_broken()) {
    if (!wait_for_either(sides, out, in)) break;
    for (const struct pollfd& side : sides) {
      advance(out, side);
      advance(in, side);
    }
  }
}

}  // namespace stagebox::sandbox::network
