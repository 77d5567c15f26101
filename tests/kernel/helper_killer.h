// HelperKiller: traces a fork server, and kills the next helper that it clones at the worst moment:
// when that one has cloned a process itself, and has not told of it.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <future>
#include <string>
#include <thread>

namespace stagebox::testing {

class HelperKiller {
 public:
  /// Only root may trace a fork server, which is not dumpable.
  explicit HelperKiller(const std::string& server);
  /// Gives up after twenty seconds.
  ~HelperKiller();
  HelperKiller(const HelperKiller&) = delete;
  HelperKiller& operator=(const HelperKiller&) = delete;

  /// Whether it traces.
  [[nodiscard]] bool started() { return started_.get_future().get(); }
  /// When a helper was killed, or none came.
  [[nodiscard]] bool killed();

 private:
  void trace(pid_t server);

  std::promise<bool> started_;
  std::atomic<bool> killed_ = false;
  std::thread thread_;
};

/// How many children a process has.
std::size_t count_children(const std::string& pid);

}  // namespace stagebox::testing
