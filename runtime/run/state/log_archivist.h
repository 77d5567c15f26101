// LogArchivist: compresses the logs of a run's stages that ended, on a thread of its own, so that
// no stage waits for it. A log that cannot be compressed (the disk is full, say) stays as it is: it
// is whole either way.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/logs/log_archive.h"

namespace stagebox::run {

/// Thread-safe.
class LogArchivist {
 public:
  /// `log_dir` outlives it.
  explicit LogArchivist(int log_dir) : log_dir_(log_dir) {}
  ~LogArchivist() { finish(); }
  LogArchivist(const LogArchivist&) = delete;
  LogArchivist& operator=(const LogArchivist&) = delete;

  /// The log `name` in the directory, that nobody writes any more.
  void add(std::string name);
  /// Waits until all of them are compressed.
  void finish();

 private:
  void work();

  int log_dir_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> waiting_;
  bool finishing_ = false;
  std::thread thread_;
};

/// Compresses these, and returns when the archives are durable and have taken the logs' places.
void archive_logs(int log_dir, const std::vector<std::string>& names, logs::PackedRecords packed);

}  // namespace stagebox::run
