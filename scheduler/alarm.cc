#include "scheduler/alarm.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <limits>

#include "runtime/base/start_thread.h"

namespace stagebox::scheduler {
namespace {

void wake_up(int fd) {
  const std::uint64_t one = 1;
  // Fails only when the counter is full, and then the reader wakes up anyway.
  (void)!::write(fd, &one, sizeof(one));
}

void drain(int fd) {
  std::uint64_t count = 0;
  (void)!::read(fd, &count, sizeof(count));
}

}  // namespace

base::Result<std::unique_ptr<Alarm>> Alarm::create(CancelToken token, std::function<void()> ring) {
  base::UniqueFd wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return base::errno_error("create an eventfd to watch a run with");
  std::unique_ptr<Alarm> alarm(new Alarm(std::move(token), std::move(ring), std::move(wake)));
  alarm->thread_ = TRY(base::start_thread("create a thread to watch a run with",
                                          [watched = alarm.get()] { watched->watch(); }));
  return alarm;
}

Alarm::~Alarm() { stop(); }

void Alarm::stop() {
  if (!thread_.joinable()) return;
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  wake_up(wake_.get());
  thread_.join();
}

void Alarm::set(std::optional<Clock::time_point> when) {
  {
    const std::scoped_lock lock(mutex_);
    if (when_ == when) return;
    when_ = when;
  }
  wake_up(wake_.get());
}

void Alarm::watch() {
  bool watching_token = true;
  for (;;) {
    std::array<struct pollfd, 2> polled{
        {{wake_.get(), POLLIN, 0}, {watching_token ? token_.poll_fd() : -1, POLLIN, 0}}};
    const int ready = ::poll(polled.data(), polled.size(), poll_timeout());
    if (ready < 0 && errno == EINTR) continue;
    if (polled[0].revents != 0) drain(wake_.get());
    {
      const std::scoped_lock lock(mutex_);
      if (stopping_) return;
    }
    const bool cancelled = polled[1].revents != 0;
    if (cancelled) watching_token = false;
    if (take_due() || cancelled) ring_();
  }
}

bool Alarm::take_due() {
  const std::scoped_lock lock(mutex_);
  if (!when_ || *when_ > Clock::now()) return false;
  when_.reset();
  return true;
}

int Alarm::poll_timeout() {
  const std::scoped_lock lock(mutex_);
  if (!when_) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*when_ - Clock::now()).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<int>::max()));
}

}  // namespace stagebox::scheduler
