// LineTail: the last lines of all that come, until it is known that they are the last ones.
#pragma once

#include <cstddef>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "runtime/logs/line_assembler.h"

namespace stagebox::cli {

/// A line, or a piece of one, that outlives the call that told it.
struct HeldLine {
  std::size_t log = 0;
  std::size_t number = 0;  ///< Of the line among all that are wanted, from 1; of all its pieces.
  logs::RecordKind kind = logs::RecordKind::kStdout;
  std::optional<logs::LogTime> time;
  std::string text;
  bool begins = true;
  bool ends = true;
  std::vector<std::string> groups;  ///< That it stands in.

  /// Valid as long as this is.
  [[nodiscard]] logs::Line line() const { return {kind, time, text, begins, ends}; }
};

class LineTail {
 public:
  /// Beyond this nothing is held: the lines of a stage can be as long as its log.
  static constexpr std::size_t kRoom = std::size_t{64} << 20;  // bytes

  explicit LineTail(std::size_t count, std::size_t room = kRoom) : count_(count), room_(room) {}

  void add(HeldLine line);
  /// Whether a line is among the last ones of the `total` so far.
  [[nodiscard]] bool is_last(std::size_t number, std::size_t total) const {
    return number + count_ > total;
  }
  /// There was no room for the last lines; nothing is held any more.
  [[nodiscard]] bool is_too_long() const { return is_too_long_; }
  /// In the order in which they came; then there are none.
  std::vector<HeldLine> take();

 private:
  void drop_earlier();

  std::size_t count_;
  std::size_t room_;
  std::size_t used_ = 0;
  std::size_t total_ = 0;
  bool is_too_long_ = false;
  std::deque<HeldLine> lines_;
};

}  // namespace stagebox::cli
