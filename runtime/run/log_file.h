// LogFile: everything that a stage wrote, as it wrote it. Appended to from one thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::run {

class LogFile {
 public:
  /// A new file "STAGE.log" in `dir_fd`; "STAGE.2.log" and so on when an earlier attempt has one
  /// already. `dir_path` is for what people are told.
  static base::Result<LogFile> create(int dir_fd, const std::string& stage,
                                      const std::string& dir_path);

  base::Result<void> append(std::span<const std::byte> bytes);
  [[nodiscard]] const std::string& path() const { return path_; }
  /// Its name without ".log", for other files of the same attempt.
  [[nodiscard]] const std::string& stem() const { return stem_; }
  /// The last lines, at most `count` of them and kTailBytes of text, for the console.
  [[nodiscard]] base::Result<std::string> tail(std::size_t count) const;

 private:
  LogFile(base::UniqueFd file, std::string path, std::string stem)
      : file_(std::move(file)), path_(std::move(path)), stem_(std::move(stem)) {}
  static constexpr std::size_t kTailBytes = std::size_t{16} << 10;

  base::UniqueFd file_;
  std::string path_;
  std::string stem_;
};

}  // namespace stagebox::run
