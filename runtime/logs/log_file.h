// LogFile: the file of a log that is being written. What is written is there in full or not at all,
// as far as an error of the disk lets us; what it means is LogWriter's business.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <utility>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::logs {

/// Used by one thread at a time, size() apart.
class LogFile {
 public:
  /// `file` is empty and only appends.
  LogFile(base::UniqueFd file, std::string path) : file_(std::move(file)), path_(std::move(path)) {}

  /// Both, one after the other. After an error the file ends before them.
  base::Result<void> write(std::span<const std::byte> first, std::span<const std::byte> second);
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] std::uint64_t size() const { return size_; }

 private:
  base::UniqueFd file_;
  std::string path_;
  std::atomic<std::uint64_t> size_ = 0;
};

}  // namespace stagebox::logs
