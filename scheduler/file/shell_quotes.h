// ShellQuotes: follows a POSIX shell script just closely enough to tell whether "${NAME}" would be
// replaced at some place of it. It is for warning people, not for safety: an expression never
// becomes part of a script, wherever it stands.
#pragma once

#include <string>
#include <string_view>

namespace stagebox::scheduler {

enum class ShellPlace {
  kExpands,
  kSingleQuotes,
  kQuotedHereDocument,  ///< After <<'END'.
  kEscaped,             ///< Right behind a backslash or a dollar sign.
  kComment,
};

/// Fed with the script from its beginning, in pieces of any size.
class ShellQuotes {
 public:
  void feed(std::string_view text);
  /// Of the character that comes next.
  [[nodiscard]] ShellPlace place() const;

 private:
  enum class State { kPlain, kSingle, kDouble, kComment, kDelimiter, kHereDocument };

  void feed_plain(char c);
  void feed_delimiter(char c);
  void feed_here_document(char c);
  void end_line();

  State state_ = State::kPlain;
  bool escaped_ = false;   // The last character was an unquoted backslash.
  char last_ = '\n';       // The last character in kPlain.
  std::string operators_;  // "<" or "<<" so far.
  std::string delimiter_;  // Of the here-document that was announced or is being read.
  char delimiter_quote_ = 0;
  bool delimiter_quoted_ = false;
  bool here_document_next_ = false;
  std::string line_;  // Of the here-document.
};

}  // namespace stagebox::scheduler
