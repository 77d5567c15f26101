#include "sandbox/seccomp/refused_requests.h"

#include <fcntl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <span>

namespace stagebox::sandbox {
namespace {

constexpr std::array<std::uint32_t, 2> kFileRequests{F_SETLEASE, F_NOTIFY};
constexpr std::array<std::uint32_t, 7> kDeviceRequests{
    TIOCSTI, TIOCLINUX, TIOCSETD, SIOCGIFBR, SIOCSIFBR, SIOCGIFVLAN, SIOCSIFVLAN};

// Of the sandbox, in its own numbers.
constexpr std::array<std::uint32_t, 1> kPidOne{1};

constexpr std::uint32_t low_half_of_argument(std::uint32_t index) {
  constexpr std::size_t kLowHalf =
      std::endian::native == std::endian::big ? sizeof(std::uint32_t) : 0;
  return static_cast<std::uint32_t>(offsetof(struct seccomp_data, args) +
                                    index * sizeof(std::uint64_t) + kLowHalf);
}

sock_filter load(std::uint32_t offset) { return BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset); }

sock_filter skip(std::size_t count) {
  return BPF_STMT(BPF_JMP | BPF_JA, static_cast<std::uint32_t>(count));
}

sock_filter if_equal(std::uint32_t value, std::size_t then_skip, std::size_t else_skip) {
  return BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, static_cast<std::uint8_t>(then_skip),
                  static_cast<std::uint8_t>(else_skip));
}

// Of the call `number`, which is in the accumulator; it still is for what follows. `requests`: of
// its argument `index`.
std::vector<sock_filter> refuse(std::uint32_t number, std::uint32_t index,
                                std::span<const std::uint32_t> requests) {
  std::vector<sock_filter> part{load(low_half_of_argument(index))};
  for (std::size_t i = 0; i < requests.size(); ++i)
    part.push_back(if_equal(requests[i], requests.size() - i, 0));
  part.push_back(skip(1));
  part.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM));
  part.push_back(load(offsetof(struct seccomp_data, nr)));
  part.insert(part.begin(), if_equal(number, 0, part.size()));
  return part;
}

}  // namespace

void put_refused_requests_first(std::vector<sock_filter>& instructions) {
  std::vector<sock_filter> parts{load(offsetof(struct seccomp_data, nr))};
  for (const sock_filter& one : refuse(SYS_fcntl, 1, kFileRequests)) parts.push_back(one);
  for (const sock_filter& one : refuse(SYS_ioctl, 1, kDeviceRequests)) parts.push_back(one);
  for (const sock_filter& one : refuse(SYS_prlimit64, 0, kPidOne)) parts.push_back(one);
  std::vector<sock_filter> first{load(offsetof(struct seccomp_data, arch)),
                                 if_equal(::seccomp_arch_native(), 0, parts.size())};
  first.insert(first.end(), parts.begin(), parts.end());
  instructions.insert(instructions.begin(), first.begin(), first.end());
}

}  // namespace stagebox::sandbox
