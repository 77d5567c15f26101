// UnsyncedFiles: what was written below one directory and would be lost with the machine's power,
// to be made durable together: waiting for the disk once for many files takes hardly longer than
// once for one. Internal to the store and its users; it writes nothing itself.
#pragma once

#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "runtime/base/result.h"

namespace stagebox::store {

/// Names of files to be made durable, as long as they are few: many are made durable by one
/// syncfs(2) instead of an fsync(2) each, although that also waits for what other programs wrote.
class UnsyncedNames {
 public:
  static constexpr std::size_t kSyncEach = 16;

  [[nodiscard]] bool are_many() const { return names_.size() > kSyncEach; }
  void add(std::string name) {
    if (!are_many()) names_.insert(std::move(name));
  }
  void add_all(const UnsyncedNames& others) {
    for (const std::string& name : others.names_) add(name);
  }
  /// All of them, unless they are many.
  [[nodiscard]] const std::set<std::string>& names() const { return names_; }

 private:
  std::set<std::string> names_;
};

/// Thread-safe.
class UnsyncedFiles {
 public:
  /// `dir_fd` outlives it.
  explicit UnsyncedFiles(int dir_fd) : dir_fd_(dir_fd) {}

  /// A file or directory by its path below the directory; "." is that itself.
  void add(std::string path);
  void add_all(const UnsyncedNames& paths);
  /// All that was added before is durable when this returns. What is not there any more needs not
  /// be. After a failure the next call tries all of it again; but what the disk did not take is
  /// lost, and every call says so.
  base::Result<void> sync();

 private:
  base::Result<void> sync_all(const UnsyncedNames& paths);
  base::Result<void> sync_one(const std::string& path);
  base::Result<void> keep_loss(base::Error error);

  int dir_fd_;
  std::mutex mutex_;
  UnsyncedNames paths_;
  base::Result<void> lost_;
};

}  // namespace stagebox::store
