// SharedPid: a page in which the kernel tells the fork server whom its helper has cloned, whatever
// becomes of the helper (clone_sibling.h).
#pragma once

#include <sys/types.h>

namespace stagebox::sandbox {

class SharedPid {
 public:
  SharedPid();
  ~SharedPid();
  SharedPid(const SharedPid&) = delete;
  SharedPid& operator=(const SharedPid&) = delete;
  [[nodiscard]] bool valid() const { return pid_ != nullptr; }
  [[nodiscard]] pid_t* address() const { return pid_; }
  /// Kills the child of ours whose number stands there, if there is one, and waits for it. Only
  /// when the helper is dead.
  void end_child() const;

 private:
  pid_t* pid_ = nullptr;
};

}  // namespace stagebox::sandbox
