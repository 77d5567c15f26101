// TextSink: where a report goes while a run goes on: a stream, or a file that was asked for.
#pragma once

#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::report {

/// For one thread at a time.
class TextSink {
 public:
  virtual ~TextSink() = default;
  /// What was written is out at once, so that a reader sees it and a crash does not take it.
  virtual void write(std::string_view text) = 0;
  /// What is wrong with the text that arrived: the first failure of a write, if any. A run is not
  /// ended by a report that cannot be written.
  [[nodiscard]] virtual base::Result<void> finish() = 0;
  /// The file it has opened; -1 when it has opened none.
  [[nodiscard]] virtual int fd() const { return -1; }
};

/// The stream outlives it.
std::unique_ptr<TextSink> sink_to(std::ostream& out);

/// Creates the file, or empties it; a FIFO or a descriptor's path works too. Waits for the reader
/// of a FIFO. `purpose` ("events") is for the message of the error when it cannot be opened or
/// written.
base::Result<std::unique_ptr<TextSink>> sink_to_file(const std::string& path,
                                                     const std::string& purpose);

}  // namespace stagebox::report
