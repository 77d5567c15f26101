// SeccompProgram: a compiled system call filter, ready to be loaded.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace stagebox::sandbox {

/// What becomes of a call that the filter does not allow.
enum class DeniedCalls {
  kAnswered,  ///< The kernel answers at once.
  kReported,  ///< The supervisor is asked, notes which call it was, and answers the same.
};

struct SeccompProgram {
  std::vector<sock_filter> instructions;  ///< At most BPF_MAXINSNS (4096).
  DeniedCalls denied = DeniedCalls::kAnswered;
};

}  // namespace stagebox::sandbox
