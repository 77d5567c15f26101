// LineAssembler: the lines of one log, made of the chunks in which they came. Each stream's lines
// are its own, so one stream never cuts a line of the other. A line without an end, and one that is
// too long to be held, come in pieces.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/logs/log_reader.h"

namespace stagebox::logs {

/// A line, or a piece of one. Without its line break.
struct Line {
  RecordKind kind = RecordKind::kStdout;
  std::optional<LogTime> time;  ///< When its first bytes came.
  std::string_view text;        ///< Valid during the call.
  bool begins = true;           ///< It is the first piece, or all before it were taken back.
  bool ends = true;             ///< There is a line break after it.
  bool is_unknown = false;      ///< Its beginning was never seen; nor is its text told.
};

class LineAssembler {
 public:
  using Sink = std::function<base::Result<void>(const Line&)>;
  /// Of a line that is longer than this come pieces.
  static constexpr std::size_t kMaxPiece = std::size_t{64} << 10;

  explicit LineAssembler(Sink sink) : sink_(std::move(sink)) {}

  /// Before anything is added: what comes is not the beginning of the log. The line within which a
  /// stream may be is told when it ends, as one that is unknown.
  void begin_within(const BetweenLines& between_lines);
  /// A notice is a line of its own at once. A carriage return takes back what is before it in its
  /// line, as progress displays mean it; the one of CR LF is part of the line break.
  base::Result<void> add(const Chunk& chunk);
  /// Pieces of what has come of lines that have no end yet, for who watches. Not of those that were
  /// taken back in part: they are displays of progress, which end as one line.
  base::Result<void> show_begun();
  /// The lines that have no end. Then it is as new.
  base::Result<void> finish();

 private:
  struct Pending {
    std::string text;
    std::optional<LogTime> time;
    bool has_begun = false;  ///< A piece of it went out.
    bool is_shown = false;   ///< By show_begun().
    bool is_unknown = false;
  };
  base::Result<void> add_text(const Chunk& chunk, std::string_view text);
  base::Result<std::string_view> pass_unknown(const Chunk& chunk, std::string_view text);
  base::Result<void> extend(Pending& pending, const Chunk& chunk, std::string_view text);
  base::Result<void> emit_line(Pending& pending, RecordKind kind, std::string_view text, bool ends);
  base::Result<void> emit(Pending& pending, RecordKind kind, std::string_view text, bool ends);
  [[nodiscard]] Pending& pending(RecordKind kind) {
    return pending_[kind == RecordKind::kStderr ? 1 : 0];
  }

  Sink sink_;
  std::array<Pending, 2> pending_;
};

}  // namespace stagebox::logs
