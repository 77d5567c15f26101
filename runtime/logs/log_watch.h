// LogWatch: what is looked for in the output of a stage while it comes: its last line, and its
// annotations. It sees what goes into the log, so secrets are masked, and it must not hold that up:
// of most output it finds the line breaks only.
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

class LogWatch {
 public:
  /// Of a longer last line only so much is known, the end of it.
  static constexpr std::size_t kLongestLast = 2048;  // bytes

  /// By one thread.
  void add(Stream stream, std::span<const std::byte> bytes);
  /// Nothing comes any more. By the same thread.
  void finish();

  /// The last line that says something, of the stream that wrote last, also when it is not
  /// complete: text for a terminal, without colours. By any thread.
  [[nodiscard]] std::string last_line() const;
  /// As Annotations finds them in the log, but for those behind a carriage return in their line.
  /// After finish().
  [[nodiscard]] const Annotations& annotations() const { return annotations_; }

 private:
  /// A line of a stream that may still turn out to be a command.
  struct Candidate {
    std::string text;
    bool is_none = false;  ///< It is not one.
  };
  void look_for_commands(Stream stream, std::string_view text);
  void end_line(Stream stream, Candidate& line);

  mutable std::mutex mutex_;
  std::array<std::string, 2> ends_;  ///< Of what each stream wrote. Guarded.
  Stream last_ = Stream::kStdout;    ///< Guarded.
  std::array<Candidate, 2> lines_;
  Annotations annotations_;
};

}  // namespace stagebox::logs
