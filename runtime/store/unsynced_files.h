// UnsyncedFiles: what was written below one directory and would be lost with the machine's power,
// to be made durable together: waiting for the disk once for many files takes hardly longer than
// once for one. Internal to the store and its users; it writes nothing itself.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "runtime/base/result.h"

namespace stagebox::store {

/// Thread-safe.
class UnsyncedFiles {
 public:
  /// More names than this are made durable by one syncfs(2) instead of an fsync(2) each, although
  /// that also waits for what other programs wrote.
  static constexpr std::size_t kSyncEach = 16;

  /// `dir_fd` outlives it.
  explicit UnsyncedFiles(int dir_fd) : dir_fd_(dir_fd) {}

  /// A file or directory by its path below the directory; "." is that itself.
  void add(std::string path);
  void add_all(std::set<std::string> paths);
  /// All that was added before is durable when this returns. What is not there any more needs not
  /// be.
  base::Result<void> sync();

 private:
  int dir_fd_;
  std::mutex mutex_;
  std::set<std::string> paths_;
};

}  // namespace stagebox::store
