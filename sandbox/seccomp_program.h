// SeccompProgram: a compiled system call filter, ready to be loaded.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace stagebox::sandbox {

struct SeccompProgram {
  std::vector<sock_filter> instructions;  ///< At most BPF_MAXINSNS (4096).
};

}  // namespace stagebox::sandbox
