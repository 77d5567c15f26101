// What is said of a run that was broken off: by an interruption, or because Stagebox failed or
// died.
#pragma once

#include <string>

namespace stagebox::cli {

inline std::string resume_hint(const std::string& run) {
  return "go on with it:  stagebox resume " + run + "\n";
}

}  // namespace stagebox::cli
