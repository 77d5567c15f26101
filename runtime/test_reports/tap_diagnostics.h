// TapDiagnostics: what the YAML block under a TAP test says, as far as we understand it. It is no
// YAML parser: the keys that test runners use stand at the beginning of lines.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace stagebox::test_reports {

struct TapDiagnostics {
  std::string message;                            ///< `message` or `error`.
  std::optional<std::chrono::microseconds> took;  ///< `duration_ms`.
};

/// `block` without the lines "---" and "..." and without the indentation of the whole.
TapDiagnostics read_tap_diagnostics(std::string_view block);

}  // namespace stagebox::test_reports
