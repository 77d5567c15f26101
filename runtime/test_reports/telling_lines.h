// What of a test runner's text says why a test failed: the few lines that a person wants to see
// first, without those that only say that something ran. Pure.
#pragma once

#include <string>
#include <string_view>

namespace stagebox::test_reports {

/// Up to four lines of `text`, trimmed: of pytest's those of the error, of Go's and others' the
/// first that are neither empty nor about the run itself, up to the stack trace. May be empty.
std::string telling_lines(std::string_view text);

}  // namespace stagebox::test_reports
