// Where in a log that has no table of its own whoever wants the end of it can begin to read: found
// by going from header to header, past what the records say, for only so it is known what is a
// header and what a stage wrote that looks like one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/logs/log_source.h"

namespace stagebox::logs {

struct LogMark {
  std::uint64_t at = 0;  ///< In the source. A record begins there.
  std::uint64_t before =
      0;  ///< Bytes of records before it, of packed ones as they say of themselves.
};

/// Between two of them lie this many bytes at least, more in a log that would have too many.
inline constexpr std::uint64_t kMarkSpacing = std::uint64_t{256} << 10;
inline constexpr std::size_t kMostMarks = std::size_t{1} << 16;

/// In rising order, the first one behind the file's header, up to where nothing can be understood.
base::Result<std::vector<LogMark>> list_marks(LogSource& source);

}  // namespace stagebox::logs
