// Diagnostics: all the mistakes of one pipeline file, each with its place. Errors of the machine
// (the file cannot be read) are base::Error, not diagnostics.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "scheduler/position.h"

namespace stagebox::scheduler {

struct Diagnostic {
  Position position;    ///< 0:0 for a mistake that is not in the file (a `--param`, say).
  std::string message;  ///< What was found and what was expected, without a full stop.
  std::string hint;     ///< What to do about it; may be empty.
};

/// Collects; the file may come from an attacker, so what is kept is limited in number and length,
/// and control characters (terminal escapes, right-to-left overrides) are shown as \u{...}. Saying
/// the same thing twice about the same place counts once. Not thread-safe.
class Diagnostics {
 public:
  /// More are only counted: nobody reads them, and an attacker can write millions.
  static constexpr std::size_t kMaxKept = 200;
  /// In bytes, of a message and of a hint.
  static constexpr std::size_t kMaxText = 1000;

  explicit Diagnostics(std::string_view file_name);

  void add(Position position, std::string_view message, std::string_view hint = {});

  [[nodiscard]] bool empty() const { return items_.empty(); }
  /// All of them, those that were not kept included.
  [[nodiscard]] std::size_t size() const { return items_.size() + dropped_; }
  /// True when further mistakes are only counted: the caller may save the work for a hint.
  [[nodiscard]] bool full() const { return items_.size() >= kMaxKept; }
  /// In the order of the file.
  [[nodiscard]] std::vector<Diagnostic> sorted() const;
  [[nodiscard]] const std::string& file_name() const { return file_name_; }

  /// A line per mistake, "file:line:column: message; hint", in the order of the file.
  [[nodiscard]] std::string render() const;

 private:
  std::string file_name_;
  std::vector<Diagnostic> items_;
  std::set<std::pair<Position, std::string>> said_;
  std::size_t dropped_ = 0;
};

/// A name or a value from the file, for a message: `in backticks`, cut to 80 bytes.
std::string backquoted(std::string_view text);
/// Control and direction-changing characters as \u{...}; the rest as it is.
std::string escape_controls(std::string_view text);

}  // namespace stagebox::scheduler
