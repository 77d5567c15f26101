// What arrives at the fork server's process: a plan in a memory file, and descriptors by position.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "runtime/base/unique_fd.h"
#include "sandbox/child/child_plan.h"
#include "sandbox/fork_server/fork_server_protocol.h"

namespace stagebox::sandbox {

/// A plan, mapped, with the pointer arrays that execve(2) wants.
class MappedPlan {
 public:
  explicit MappedPlan(int fd);
  MappedPlan(const MappedPlan&) = delete;
  MappedPlan& operator=(const MappedPlan&) = delete;
  ~MappedPlan();
  /// False, with errno, when it could not be mapped.
  [[nodiscard]] bool valid() const { return base_ != nullptr; }
  [[nodiscard]] const void* base() const { return base_; }
  [[nodiscard]] char* const* argv() const { return argv_.data(); }
  [[nodiscard]] char* const* environment() const { return environment_.data(); }

 private:
  void* base_ = nullptr;
  std::size_t size_ = 0;
  std::vector<char*> argv_;
  std::vector<char*> environment_;
};

/// The descriptors of a request by name; owned by whoever received them.
struct RequestFds {
  int reply = -1;
  int plan = -1;
  int report = -1;
  int exit = -1;
  int stdio[3]{-1, -1, -1};
  int cgroup_dir = -1;
  std::vector<int> entered_namespaces;
  std::vector<int> v1_tasks;
  std::vector<int> steps;
};

/// False when they are not as many as the request says.
bool take_fds(const StartRequest& request, const std::vector<base::UniqueFd>& fds,
              RequestFds& named);

}  // namespace stagebox::sandbox
