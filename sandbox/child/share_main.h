// How pid 1 of a sandbox gets into the network namespace of another sandbox. A helper enters it,
// clones pid 1 with all its other namespaces as a child of the fork server, and is gone. Only
// whoever is root outside can do so; the new sandbox has no power over a namespace that is not its
// own: it uses the interfaces that it finds there. The fork server could not come back from it: as
// an ordinary user it does not own the namespace it is in.
#pragma once

#include <cstdint>

#include "sandbox/child/child_main.h"

namespace stagebox::sandbox::child {

struct ShareContext {
  int network_namespace;
  int answer_fd;              ///< Socket; one JoinAnswer, with a pidfd when there was no error.
  int go_write_end;           ///< Of the go pipe; not for pid 1.
  int cgroup_dir;             ///< v2, or -1.
  std::uint64_t clone_flags;  ///< CLONE_NEW* of pid 1.
};

/// Runs in the helper. Never returns.
[[noreturn]] void share_main(const ChildContext& context, const ShareContext& with);

}  // namespace stagebox::sandbox::child
