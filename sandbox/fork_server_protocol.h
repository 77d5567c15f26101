// What ForkServer and its process say to each other: one StartRequest with descriptors, one
// StartReply on the reply socket that came with it.
#pragma once

#include <array>
#include <cstdint>

namespace stagebox::sandbox {

/// Descriptors travel in this order: reply socket, plan, report, exit, stdin, stdout, stderr, the
/// cgroup directory (if has_cgroup_dir), v1_procs of cgroup.procs, step_fds.
struct StartRequest {
  std::uint32_t has_cgroup_dir;
  std::uint32_t v1_procs;
  std::uint32_t step_fds;
  std::uint32_t deny_setgroups;
  std::array<char, 64> id_map;  ///< One line, NUL-terminated.
};
inline constexpr std::uint32_t kFixedFds = 7;

/// With error == 0 a pidfd travels along.
struct StartReply {
  enum class Step : std::uint32_t { kMap, kClone, kMapIds, kJoinCgroup } step;
  std::int32_t error;  ///< errno
};

/// The descriptor on which the server's program finds its socket.
inline constexpr int kServerSocket = 3;

}  // namespace stagebox::sandbox
