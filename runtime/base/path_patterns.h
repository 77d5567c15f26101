// PathPatterns: which entries of a tree are meant, as in gitignore(5): the `exclude` and `include`
// lists of an input, and .gitignore files. Parsed once, matched often; pure, it never looks at a
// file system.
//
//   name        a pattern without a slash matches an entry of that name at any level
//   a/b, /a     a pattern with a slash matches the path from the root; a doubled slash nothing
//   *  ?        any characters, one character; never a slash
//   [a-z]       one character of a class; [!a-z] or [^a-z] one that is not; [[:digit:]] and so on;
//               never a slash, even if there is one in it
//   **          as a whole component: any number of components (at the end: at least one); more
//               stars mean the same
//   x/          a trailing slash: directories only
//   !x          an exception: the last pattern that matches decides
//   \c          the character c itself
//
// Git's program differs in two things: its characters are bytes, and in "a**/b" the stars cross
// slashes, which its manual does not let them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace stagebox::base {

enum class EntryType { kDirectory, kOther };

/// What a list of patterns says of an entry.
enum class PatternMatch {
  kNone,     ///< Nothing: no pattern matches.
  kMatches,  ///< The last pattern that matches is a plain one.
  kExcepted  ///< ... is an exception.
};

/// Immutable after parsing; may be shared by threads.
class PathPatterns {
 public:
  /// No patterns: nothing matches.
  PathPatterns() = default;
  /// kInvalid, naming the pattern: empty, ".." or "." in it, a class that does not end, a backslash
  /// at the end, a NUL.
  static Result<PathPatterns> parse(const std::vector<std::string>& patterns);
  /// A .gitignore file: a pattern a line, `#` begins a remark, spaces at the end do not count,
  /// nor what is behind a NUL. As in git, a line that is no pattern matches nothing.
  static PathPatterns parse_ignore_file(std::string_view text);

  /// `path` is relative and normalised, without a leading slash. A directory that matches stands
  /// for everything below it: callers do not descend, this function looks at `path` alone.
  [[nodiscard]] PatternMatch match(std::string_view path, EntryType type) const;
  [[nodiscard]] bool matches(std::string_view path, EntryType type) const {
    return match(path, type) == PatternMatch::kMatches;
  }
  [[nodiscard]] bool empty() const { return rules_.empty(); }

 private:
  struct Rule {
    std::vector<std::string> components;
    bool anchored = false;
    bool directories_only = false;
    bool exception = false;
  };
  static Result<Rule> parse_rule(std::string_view pattern);

  std::vector<Rule> rules_;
};

}  // namespace stagebox::base
