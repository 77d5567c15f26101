// LogWatch: what is looked for in the output of a stage while it comes: its last line, and its
// annotations. It sees what goes into the log, so secrets are masked, and it must not hold that up:
// what it does for each line it does only for lines with "::".
#pragma once

#include <array>
#include <cstddef>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

#include "runtime/logs/log_writer.h"
#include "runtime/logs/workflow_command.h"

namespace stagebox::logs {

/// Whether somebody looks at last_line().
enum class LastLine { kKept, kUnneeded };

class LogWatch {
 public:
  explicit LogWatch(LastLine last_line = LastLine::kKept)
      : keeps_last_(last_line == LastLine::kKept) {}
  /// Of a longer last line only so much is known, the end of it.
  static constexpr std::size_t kLongestLast = 2048;  // bytes

  /// Whether "::" is in some bytes, where that was looked for already.
  enum class Marks { kUnknown, kNone };
  /// By one thread.
  void add(Stream stream, std::span<const std::byte> bytes, Marks marks = Marks::kUnknown);
  /// Whether the stream has written more, which the log gets later. By the same thread.
  void set_held_back(Stream stream, bool held_back);
  /// Nothing comes any more. By the same thread.
  void finish();

  /// The last line that says something, of the stream that wrote last, also when it is not
  /// complete: text for a terminal, without colours. A line of which something is held back ends
  /// with an ellipsis. By any thread.
  [[nodiscard]] std::string last_line() const;
  /// As Annotations finds them in the log, but for those behind a carriage return in their line.
  /// After finish().
  [[nodiscard]] const Annotations& annotations() const { return annotations_; }

 private:
  /// A line of a stream that may still turn out to be a command.
  struct Candidate {
    std::string text;
    bool is_none = false;  ///< It is not one.
    void add(std::string_view part);
  };
  /// The end of what a stream wrote.
  struct End {
    std::string text;
    bool held_back = false;
    [[nodiscard]] std::string last_line() const;
  };
  void look_for_commands(Stream stream, std::string_view text, Marks marks);
  void look_at_lines(Stream stream, std::string_view lines);
  void tell(Stream stream, std::string_view line);
  void end_line(Stream stream, Candidate& line);
  void keep_end(Stream stream, std::string_view text);

  bool keeps_last_;
  mutable std::mutex mutex_;
  std::array<End, 2> ends_;        ///< Guarded.
  Stream last_ = Stream::kStdout;  ///< Guarded.
  std::array<Candidate, 2> lines_;
  Annotations annotations_;
};

}  // namespace stagebox::logs
