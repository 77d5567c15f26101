// The lines with which programs tell a CI system something, as GitHub's runner understands them:
// `::error file=a.c,line=3::message`, `::group::title`, `::endgroup::`. Whoever writes a log writes
// them, so they say something about the log; what else they cause, as `::add-mask::`, is limited to
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/logs/line_assembler.h"

namespace stagebox::logs {

struct WorkflowCommand {
  std::string name;  ///< In small letters.
  std::vector<std::pair<std::string, std::string>> properties;
  std::string message;
  /// Of the first property of this name; empty when there is none.
  [[nodiscard]] std::string_view property(std::string_view key) const;
};

/// Longer lines are text.
inline constexpr std::size_t kLongestCommand = std::size_t{16} << 10;

/// Nothing when the line is no command. Escapes (%25, %0D, %0A; in properties %3A and %2C too)
/// are undone; escape sequences for a terminal, colours too, are left out.
std::optional<WorkflowCommand> parse_workflow_command(std::string_view line);

/// `::stop-commands::token`: what follows is text until a command of the token's name.
class CommandGate {
 public:
  /// Whether a command that comes now counts.
  bool lets_through(const WorkflowCommand& command);

 private:
  std::string stopped_until_;
};

struct Annotation {
  enum class Level { kError, kWarning, kNotice };
  Level level = Level::kNotice;
  std::string file;  ///< As the stage wrote it; may be empty.
  std::uint64_t line = 0, end_line = 0, column = 0, end_column = 0;  ///< 0: not said.
  std::string title;
  std::string message;
  std::vector<std::string> groups;  ///< That it stands in, the outermost first.
};
std::string_view level_name(Annotation::Level level);

/// The annotations of one log, in order. What a stage can make us keep is limited.
class Annotations {
 public:
  static constexpr std::size_t kMost = 1000;
  static constexpr std::size_t kDeepest = 32;  ///< Groups within groups; deeper ones are not told.
  static constexpr std::size_t kLongestText = 4096;  ///< Bytes of a message, a title, a file.
  static constexpr std::size_t kLongestGroup = 256;  ///< Bytes of a group's title.

  void add(const Line& line);
  [[nodiscard]] const std::vector<Annotation>& list() const { return list_; }
  /// How many more there were than kMost.
  [[nodiscard]] std::size_t dropped() const { return dropped_; }
  [[nodiscard]] const std::vector<std::string>& groups() const { return groups_; }

 private:
  void carry_out(const WorkflowCommand& command);
  void annotate(Annotation::Level level, const WorkflowCommand& command);

  std::vector<Annotation> list_;
  std::size_t dropped_ = 0;
  std::vector<std::string> groups_;
  std::size_t too_deep_ = 0;  ///< Groups that are open beyond kDeepest.
  CommandGate gate_;
};

}  // namespace stagebox::logs
