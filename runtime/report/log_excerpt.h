// LogExcerpt: the last lines of a log, as many as there is room for, for a report that is kept
// apart from the log. The whole log stays where it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/logs/log_reader.h"

namespace stagebox::report {

struct LogLine {
  logs::RecordKind kind = logs::RecordKind::kStdout;
  std::optional<std::int64_t> wall_ms;  ///< When its first byte was read, since 1970.
  std::string text;                     ///< Without line break; any bytes.
  std::uint64_t cut = 0;                ///< Bytes of it that are left out at its end.
};

struct LogExcerpt {
  std::deque<LogLine> lines;                     ///< In the order in which they ended.
  std::uint64_t left_out = 0;                    ///< Lines before the first of `lines`.
  logs::LogState state = logs::LogState::kOpen;  ///< Of the log.
};

/// What remains of one line.
inline constexpr std::size_t kLongestLine = 4096;
/// What a line takes of the room beside its text.
inline constexpr std::size_t kLineCost = 24;

/// Reads the whole log with the memory of `room` bytes and a few chunks. A line is what one stream
/// wrote up to a line break; what is damaged is left out.
base::Result<LogExcerpt> excerpt_of(logs::LogReader& reader, std::size_t room);
/// Of a file; kNotFound when there is none.
base::Result<LogExcerpt> excerpt_of(const std::string& path, std::size_t room);

/// The room that an excerpt took.
std::size_t cost_of(const LogExcerpt& excerpt);

}  // namespace stagebox::report
