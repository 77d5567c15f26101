// What the process's exit status means; see README.md.
#pragma once

#include "runtime/base/error.h"

namespace stagebox::cli {

inline constexpr int kSuccess = 0;
inline constexpr int kStageFailed = 1;
inline constexpr int kUsage = 2;
inline constexpr int kOurFailure = 3;
inline constexpr int kExecFailure = 125;  ///< `exec`: Stagebox failed, not the command.
inline constexpr int kInterrupted = 130;

inline int exit_status(const base::Error& error) {
  switch (error.kind) {
    case base::ErrorKind::kInvalid:
    case base::ErrorKind::kNotFound:
      return kUsage;
    case base::ErrorKind::kCancelled:
      return kInterrupted;
    case base::ErrorKind::kUnsupported:
    case base::ErrorKind::kCorrupt:
    case base::ErrorKind::kSystem:
      break;
  }
  return kOurFailure;
}

}  // namespace stagebox::cli
