// WriteBack: has the kernel write to disk what an import has produced so far while the import goes
// on, so that the sync at its end finds little to do. Durability does not depend on it.
#pragma once

#include <condition_variable>
#include <mutex>
#include <thread>

namespace stagebox::images {

class WriteBack {
 public:
  /// Of the file system of `fd`, which must stay open. Without a thread to be had, nothing happens.
  explicit WriteBack(int fd);
  WriteBack(const WriteBack&) = delete;
  WriteBack& operator=(const WriteBack&) = delete;
  /// Waits for the pass that is under way.
  ~WriteBack();

 private:
  void run();

  int fd_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopped_ = false;
  std::thread thread_;
};

}  // namespace stagebox::images
