// PathPatterns: the names and globs of `exclude: [.git, "build-*"]`. Parsed once, matched often;
// pure, it never looks at a file system.
//
//   name        a pattern without a slash matches an entry of that name at any level
//   a/b, /a     a pattern with a slash matches the path from the root
//   *  ?        any characters, one character; never a slash
//   **          as a whole component: any number of components (at the end: at least one)
//   x/          a trailing slash: directories only
//   \c          the character c itself
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace stagebox::store {

enum class EntryType { kDirectory, kOther };

/// Immutable after parsing; may be shared by threads.
class PathPatterns {
 public:
  /// No patterns: nothing matches.
  PathPatterns() = default;
  /// kInvalid, naming the pattern: empty, ".." or "." in it, `[` or a leading `!` (unsupported), a
  /// backslash at the end, a NUL.
  static base::Result<PathPatterns> parse(const std::vector<std::string>& patterns);

  /// `path` is relative and normalised, without a leading slash. A directory that matches stands
  /// for everything below it: callers do not descend, this function looks at `path` alone.
  [[nodiscard]] bool matches(std::string_view path, EntryType type) const;
  [[nodiscard]] bool empty() const { return rules_.empty(); }

 private:
  struct Rule {
    std::vector<std::string> components;
    bool anchored = false;
    bool directories_only = false;
  };
  static base::Result<Rule> parse_rule(std::string_view pattern);

  std::vector<Rule> rules_;
};

}  // namespace stagebox::store
