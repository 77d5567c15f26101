// StandardOutput: knows what became of the bytes that were written to std::cout. A stream says only
// that it failed, not why, and what still lies in a buffer fails after the last command has looked.
#pragma once

#include <atomic>
#include <streambuf>

#include "runtime/base/result.h"

namespace stagebox::cli {

/// Stands between std::cout and its own buffer while it lives; one at a time. Threads may write as
/// they may without it.
class StandardOutput final : public std::streambuf {
 public:
  StandardOutput();
  ~StandardOutput() override;
  StandardOutput(const StandardOutput&) = delete;
  StandardOutput& operator=(const StandardOutput&) = delete;

  /// Writes what is left. kSystem when anything was lost, with the errno of the first write that
  /// failed; a reader that went away (EPIPE) wants no more and has lost nothing.
  base::Result<void> finish();

 protected:
  int_type overflow(int_type character) override;
  std::streamsize xsputn(const char* text, std::streamsize count) override;
  int sync() override;

 private:
  void note_failure();

  std::streambuf* own_;  ///< Of std::cout; not ours.
  std::atomic<int> failure_ = 0;
};

}  // namespace stagebox::cli
