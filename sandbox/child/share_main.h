// How pid 1 of a sandbox gets into namespaces that are there already, such as the network namespace
// of another sandbox. A helper enters them, clones pid 1 with all its other namespaces as a child
// of the fork server, and is gone. Only whoever is root outside can do so; the new sandbox has no
// power over a namespace that is not its own: it uses what it finds there, such as interfaces. The
// fork server could not come back from it: as an ordinary user it does not own the namespace it is
// in.
#pragma once

#include <cstddef>
#include <cstdint>

#include "sandbox/child/child_main.h"
#include "sandbox/child/clone_sibling.h"

namespace stagebox::sandbox::child {

struct ShareContext {
  const int* namespaces;
  std::size_t namespace_count;
  SiblingTeller teller;       ///< Gets one JoinAnswer, with a pidfd when there was no error.
  int go_write_end;           ///< Of the go pipe; not for pid 1.
  int cgroup_dir;             ///< v2, or -1.
  std::uint64_t clone_flags;  ///< CLONE_NEW* of pid 1.
};

/// Runs in the helper. Never returns.
[[noreturn]] void share_main(const ChildContext& context, const ShareContext& with);

}  // namespace stagebox::sandbox::child
