// Error: "we failed". It says what was attempted, on what, and why it did not work, in words for
// the person who reads it. It never describes how a stage ended; that is sandbox::ExitReport.
#pragma once

#include <string>
#include <string_view>

namespace stagebox::base {

enum class ErrorKind {
  kInvalid,      ///< What the user gave (file, option, image) is wrong. Exit status 2.
  kNotFound,     ///< Something the user named does not exist. Exit status 2.
  kUnsupported,  ///< A protection or a limit cannot be enforced here; nothing was started. Exit
                 ///< status 3.
  kCorrupt,      ///< Our own stored state does not verify. Exit status 3.
  kSystem,       ///< A system call or the machine failed. Exit status 3.
  kCancelled,    ///< The user interrupted. Exit status 130.
};

struct Error {
  ErrorKind kind = ErrorKind::kSystem;
  int errno_value = 0;  ///< errno of the failed call, or 0.
  std::string
      message;  ///< One sentence without a trailing full stop; the errno's text is included.

  /// The same error, told from further out: "context: message".
  [[nodiscard]] Error with_context(std::string_view context) const;
};

Error invalid(std::string message);
Error not_found(std::string message);
Error unsupported(std::string message);
Error corrupt(std::string message);
Error cancelled(std::string message);
/// "attempted: strerror(errno_value)".
Error system_error(std::string_view attempted, int errno_value);
/// The same with the current errno.
Error errno_error(std::string_view attempted);

/// The text for an errno, thread-safe.
std::string errno_text(int errno_value);

}  // namespace stagebox::base
