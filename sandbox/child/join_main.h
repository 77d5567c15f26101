// How a process gets into a sandbox that is running. A helper enters its namespaces and clones the
// process there as a child of the fork server; then it is gone. Nothing of ours is ever in reach
// inside: the helper itself is in no pid namespace of the sandbox, and what it clones is a copy of
// the fork server that cannot be traced (not dumpable, with memory that belongs to our own user
// namespace) until it has closed everything and executes the image's program (CVE-2019-5736,
// CVE-2024-21626).
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "sandbox/child/child_main.h"
#include "sandbox/child/clone_sibling.h"

namespace stagebox::sandbox::child {

struct JoinContext {
  int pidfd;                 ///< Of the sandbox's pid 1.
  int time_namespace;        ///< That of pid 1's children.
  SiblingTeller teller;      ///< Gets one JoinAnswer, with a pidfd when there was no error.
  std::uint32_t namespaces;  ///< CLONE_NEW* that are not the host's.
};

struct JoinAnswer {
  enum class Step : std::uint32_t { kCgroups, kNamespaces } step;
  std::int32_t error;  ///< errno
  pid_t pid;           ///< As the fork server sees it.
};

/// Runs in the helper, which is not yet inside. Never returns.
[[noreturn]] void join_main(const ChildContext& context, const JoinContext& to);

}  // namespace stagebox::sandbox::child
