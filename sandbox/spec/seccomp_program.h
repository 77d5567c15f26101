// SeccompProgram: a compiled system call filter, ready to be loaded.
#pragma once

#include <linux/filter.h>

#include <vector>

namespace stagebox::sandbox {

/// What becomes of a call that the filter answers with an error.
enum class DeniedCalls {
  kAnswered,  ///< The kernel answers at once.
  kReported,  ///< The supervisor is asked, notes which call it was, and answers the same error:
              ///< the data of the SECCOMP_RET_USER_NOTIF that the program comes to.
};

struct SeccompProgram {
  std::vector<sock_filter> instructions;  ///< At most BPF_MAXINSNS (4096).
  DeniedCalls denied = DeniedCalls::kAnswered;
};

}  // namespace stagebox::sandbox
