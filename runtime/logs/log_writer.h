// LogWriter: everything that a stage wrote, as records with stream and time. What it gets is what
// anybody may read: secrets are masked before. Used by one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/logs/last_lines.h"
#include "runtime/logs/log_file.h"
#include "runtime/logs/log_format.h"
#include "runtime/logs/log_packer.h"

namespace stagebox::logs {

class LogWriter {
 public:
  /// A new file "STAGE.log" in `dir_fd`; "STAGE.2.log" and so on when an earlier attempt has one
  /// already. `dir_path` is for what people are told.
  static base::Result<LogWriter> create(int dir_fd, const std::string& stage,
                                        const std::string& dir_path);

  /// Readers see it when this returns, or where more than kMaxChunk bytes came at once soon after.
  /// After an error, which may be of earlier bytes then, the log ends before them.
  base::Result<void> append(Stream stream, std::span<const std::byte> bytes);
  /// Where what is appended next can be put, which saves a copy of it: until the next call, which
  /// may append nothing. Empty: nowhere, as long as little comes at once.
  std::span<std::byte> room();
  /// Readers see everything when this returns.
  base::Result<void> flush();
  /// A line of ours, in UTF-8 and without a line break.
  base::Result<void> notice(std::string_view text);
  /// Says that the log is whole; without it readers take it for one that was broken off.
  base::Result<void> end();

  [[nodiscard]] const std::string& path() const { return file_->path(); }
  /// Its name without ".log", for other files of the same attempt.
  [[nodiscard]] const std::string& stem() const { return stem_; }
  /// Of the file.
  [[nodiscard]] std::uint64_t size() const { return file_->size(); }
  /// The last lines of both streams, without notices.
  [[nodiscard]] LogTail tail() const { return last_lines_.tail(); }

 private:
  LogWriter(std::unique_ptr<LogFile> file, std::string stem)
      : file_(std::move(file)), stem_(std::move(stem)) {}
  base::Result<void> add(RecordKind kind, std::span<const std::byte> content);
  base::Result<void> write_record(RecordKind kind, std::span<const std::byte> content);

  std::unique_ptr<LogFile> file_;
  std::unique_ptr<LogPacker> packer_;  ///< From when much came at once.
  std::string stem_;
  BetweenLines between_lines_{true, true};  ///< After all that was appended.
  LastLines last_lines_;
};

}  // namespace stagebox::logs
