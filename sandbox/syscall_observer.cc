#include "sandbox/syscall_observer.h"

#include <linux/seccomp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "runtime/base/syscalls.h"
#include "sandbox/seccomp/filter_answer.h"
#include "sandbox/seccomp/seccomp_policy.h"

namespace stagebox::sandbox {
namespace {

using base::Result;
using base::UniqueFd;

// The kernel's structures may be larger than ours; what it adds is at their end.
template <typename T>
union Padded {
  T value;
  std::array<std::byte, 1024> room;
};

}  // namespace

SyscallObserver::SyscallObserver(UniqueFd listener, std::vector<sock_filter> filter, UniqueFd stop)
    : listener_(std::move(listener)),
      filter_(std::move(filter)),
      stop_(std::move(stop)),
      thread_([this] { run(); }) {}

Result<std::unique_ptr<SyscallObserver>> SyscallObserver::start(UniqueFd listener,
                                                                std::vector<sock_filter> filter) {
  struct seccomp_notif_sizes sizes{};
  const int result = base::sys::seccomp(SECCOMP_GET_NOTIF_SIZES, 0, &sizes);
  if (result < 0) return base::system_error("ask for the size of notifications", -result);
  if (sizes.seccomp_notif > sizeof(Padded<struct seccomp_notif>)) {
    return base::unsupported("this kernel's notifications of system calls are too large");
  }
  UniqueFd stop(::eventfd(0, EFD_CLOEXEC));
  if (!stop) return base::errno_error("make an event");
  return std::unique_ptr<SyscallObserver>(
      new SyscallObserver(std::move(listener), std::move(filter), std::move(stop)));
}

SyscallObserver::~SyscallObserver() { (void)finish(); }

void SyscallObserver::run() {
  for (;;) {
    std::array<struct pollfd, 2> polled{{{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), -1) < 0 && errno != EINTR) return;
    if ((polled[0].revents & POLLIN) != 0 && answer_one()) continue;
    // A hang-up: nobody lives under the filter any more.
    if (polled[0].revents != 0 || polled[1].revents != 0) return;
  }
}

int SyscallObserver::error_for(const struct seccomp_data& call) const {
  const auto answer = filter_answer(filter_, call);
  const bool ours = answer && (*answer & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_USER_NOTIF;
  return ours ? static_cast<int>(*answer & SECCOMP_RET_DATA) : EPERM;
}

bool SyscallObserver::answer_one() {
  Padded<struct seccomp_notif> call{};
  call.room = {};
  if (::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) {
    // The one who called was killed meanwhile.
    return errno == ENOENT || errno == EINTR;
  }
  ++counts_[call.value.data.nr];
  Padded<struct seccomp_notif_resp> response{};
  response.room = {};
  response.value.id = call.value.id;
  response.value.error = -error_for(call.value.data);
  return ::ioctl(listener_.get(), SECCOMP_IOCTL_NOTIF_SEND, &response) == 0 || errno == ENOENT;
}

std::vector<DeniedSyscall> SyscallObserver::finish() {
  if (thread_.joinable()) {
    const std::uint64_t one = 1;
    (void)!::write(stop_.get(), &one, sizeof(one));
    thread_.join();
  }
  std::vector<DeniedSyscall> denied;
  denied.reserve(counts_.size());
  for (const auto& [number, count] : counts_) denied.push_back({syscall_name(number), count});
  std::ranges::stable_sort(denied, std::ranges::greater(), &DeniedSyscall::count);
  return denied;
}

}  // namespace stagebox::sandbox
