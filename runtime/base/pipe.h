// Pipe: the two ends of a pipe(2), each with its owner.
#pragma once

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::base {

struct Pipe {
  UniqueFd read_end;
  UniqueFd write_end;
};

/// Both ends are CLOEXEC and blocking.
Result<Pipe> make_pipe();

}  // namespace stagebox::base
