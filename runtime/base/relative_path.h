// RelativePath: a path that cannot leave the directory it is applied to, at least not by its
// letters. (Links are the business of whoever opens it: see open_beneath.)
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace stagebox::base {

/// Normalised and relative: no "..", no empty or "." component, no leading or trailing slash, no
/// NUL. The directory itself is the empty path and is written ".".
class RelativePath {
 public:
  static constexpr std::size_t kMaxBytes = 4095;     ///< PATH_MAX - 1.
  static constexpr std::size_t kMaxComponent = 255;  ///< NAME_MAX.

  RelativePath() = default;
  /// kInvalid for an absolute path, one with "..", a NUL byte, or one that is too long.
  static Result<RelativePath> parse(std::string_view text);

  /// Without a leading slash; empty for the directory itself.
  [[nodiscard]] const std::string& str() const { return path_; }
  /// For messages and system calls: "." instead of the empty path.
  [[nodiscard]] std::string display() const { return path_.empty() ? "." : path_; }
  [[nodiscard]] bool is_self() const { return path_.empty(); }
  [[nodiscard]] std::vector<std::string> components() const;
  /// The last component; empty for the directory itself.
  [[nodiscard]] std::string name() const;
  [[nodiscard]] RelativePath parent() const;
  [[nodiscard]] RelativePath operator/(const RelativePath& below) const;
  /// True when `other` is this path or below it.
  [[nodiscard]] bool contains(const RelativePath& other) const;

  auto operator<=>(const RelativePath&) const = default;

 private:
  std::string path_;
};

}  // namespace stagebox::base
