// A root file system with nothing but busybox, as one layer directory: enough for a shell in a
// sandbox.
#pragma once

#include <string>

namespace stagebox::testing {

/// Fills `dir` (existing, empty). False when there is no static busybox on this machine.
bool make_busybox_layer(const std::string& dir);

}  // namespace stagebox::testing
