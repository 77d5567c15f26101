#include "runtime/cli/input_relay.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/base/start_thread.h"

namespace stagebox::cli {
namespace {

using base::Result;
using base::UniqueFd;

constexpr std::size_t kPiece = std::size_t{64} << 10;

class Pump {
 public:
  Pump(UniqueFd from, off_t position, UniqueFd to, int stop)
      : from_(std::move(from)), position_(position), to_(std::move(to)), stop_(stop) {}

  void run() {
    // A command that reads nothing more must not end us.
    sigset_t set;
    ::sigemptyset(&set);
    ::sigaddset(&set, SIGPIPE);
    (void)::pthread_sigmask(SIG_BLOCK, &set, nullptr);
    std::vector<char> piece(kPiece);
    for (;;) {
      const ssize_t count = ::pread(from_.get(), piece.data(), piece.size(), position_);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return;
      position_ += count;
      if (!write({piece.data(), static_cast<std::size_t>(count)})) return;
    }
  }

 private:
  bool write(std::string_view text) {
    while (!text.empty()) {
      std::array<struct pollfd, 2> polled{{{stop_, POLLIN, 0}, {to_.get(), POLLOUT, 0}}};
      if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return false;
      if (polled[0].revents != 0) return false;
      const ssize_t count = ::write(to_.get(), text.data(), text.size());
      if (count < 0 && errno != EINTR && errno != EAGAIN) return false;
      if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
    return true;
  }

  UniqueFd from_;
  off_t position_;
  UniqueFd to_;
  int stop_;
};

}  // namespace

Result<void> InputRelay::start(int from, UniqueFd to) {
  const off_t position = ::lseek(from, 0, SEEK_CUR);
  if (position < 0) return base::errno_error("read standard input");
  if (::fcntl(to.get(), F_SETFL, O_NONBLOCK) != 0) return base::errno_error("prepare a pipe");
  stop_.reset(::eventfd(0, EFD_CLOEXEC));
  if (!stop_) return base::errno_error("create an event descriptor");
  Pump pump(TRY(base::duplicate(from)), position, std::move(to), stop_.get());
  thread_ = TRY(base::start_thread("start a thread for standard input",
                                   [pump = std::move(pump)]() mutable { pump.run(); }));
  return {};
}

InputRelay::~InputRelay() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  (void)!::write(stop_.get(), &one, sizeof(one));
  thread_.join();
}

}  // namespace stagebox::cli
