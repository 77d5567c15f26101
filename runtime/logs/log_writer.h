// LogWriter: everything that a stage wrote, as records with stream and time. What it gets is what
// anybody may read: secrets are masked before. Used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/logs/log_format.h"

namespace stagebox::logs {

/// Which of a stage's two.
enum class Stream { kStdout, kStderr };

class LogWriter {
 public:
  /// A new file "STAGE.log" in `dir_fd`; "STAGE.2.log" and so on when an earlier attempt has one
  /// already. `dir_path` is for what people are told.
  static base::Result<LogWriter> create(int dir_fd, const std::string& stage,
                                        const std::string& dir_path);

  /// Readers see it when this returns. After an error the log ends before these bytes.
  base::Result<void> append(Stream stream, std::span<const std::byte> bytes);
  /// A line of ours, in UTF-8 and without a line break.
  base::Result<void> notice(std::string_view text);
  /// Says that the log is whole; without it readers take it for one that was broken off.
  base::Result<void> end();

  [[nodiscard]] const std::string& path() const { return path_; }
  /// Its name without ".log", for other files of the same attempt.
  [[nodiscard]] const std::string& stem() const { return stem_; }
  /// Of the file.
  [[nodiscard]] std::uint64_t size() const { return size_; }
  /// The last lines of both streams, at most `count` of them and kTailBytes of text.
  [[nodiscard]] std::string tail(std::size_t count) const;

 private:
  LogWriter(base::UniqueFd file, std::string path, std::string stem)
      : file_(std::move(file)), path_(std::move(path)), stem_(std::move(stem)) {}
  base::Result<void> write(std::span<const std::byte> header, std::span<const std::byte> content);
  base::Result<void> write_record(RecordKind kind, std::span<const std::byte> content);
  void keep_tail(std::span<const std::byte> bytes);

  static constexpr std::size_t kTailBytes = std::size_t{16} << 10;

  base::UniqueFd file_;
  std::string path_;
  std::string stem_;
  std::uint64_t size_ = 0;
  std::string tail_;  ///< Up to twice kTailBytes, so that each byte is moved about once.
};

}  // namespace stagebox::logs
