// What ForkServer and its process say to each other: one StartRequest with descriptors, one
// StartReply on the reply socket that came with it.
#pragma once

#include <array>
#include <cstdint>

namespace stagebox::sandbox {

/// Descriptors travel in this order: reply socket, plan, report, exit, stdin, stdout, stderr, the
/// cgroup directory (if has_cgroup_dir), entered_namespaces of namespaces, v1_tasks of tasks files,
/// step_fds.
struct StartRequest {
  enum class Kind : std::uint32_t {
    kNewSandbox,  ///< Clone pid 1 of a new one; it writes its ExitRecord itself.
    kJoin,  ///< Add a process to `sandbox`; the server writes its ExitRecord, being its parent.
  } kind;
  std::uint32_t has_cgroup_dir;
  std::uint32_t entered_namespaces;  ///< kNewSandbox: how many it enters.
  std::uint32_t v1_tasks;
  std::uint32_t step_fds;
  std::uint32_t deny_setgroups;
  std::uint32_t creator;           ///< kNewSandbox: IdMap::creator; 0: the server as it is.
  std::uint32_t namespaces;        ///< CLONE_NEW* that are not the host's.
  std::uint32_t entered;           ///< Of these: CLONE_NEW* of those that it enters.
  std::uint64_t sandbox;           ///< kJoin: from the StartReply of its pid 1.
  std::array<char, 4096> uid_map;  ///< kNewSandbox; NUL-terminated. The kernel takes one page.
  std::array<char, 4096> gid_map;
};
inline constexpr std::uint32_t kFixedFds = 7;

/// With error == 0 a pidfd travels along.
struct StartReply {
  enum class Step : std::uint32_t {
    kMap,
    kCreator,
    kClone,
    kMapIds,
    kJoinCgroup,
    kFind,
    kJoin
  } step;
  std::int32_t error;     ///< errno
  std::uint64_t sandbox;  ///< Names a new sandbox while it lives.
};

/// The descriptor on which the server's program finds its socket.
inline constexpr int kServerSocket = 3;

}  // namespace stagebox::sandbox
