// LogSource: the bytes of a log, wherever they lie. What they mean is LogReader's business.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::logs {

/// Not thread-safe.
class LogSource {
 public:
  virtual ~LogSource() = default;
  /// Up to `into.size()` bytes from `offset` on; how many there were. 0: there are no more, which
  /// can be otherwise later where a file still grows.
  virtual base::Result<std::size_t> read(std::span<std::byte> into, std::uint64_t offset) = 0;
  /// Where else than at its beginning a record begins, in rising order; may be empty.
  [[nodiscard]] virtual std::vector<std::uint64_t> entries() const { return {}; }
};

/// A file as it is. `path` is for messages.
std::unique_ptr<LogSource> file_source(base::UniqueFd file, std::string path);

}  // namespace stagebox::logs
