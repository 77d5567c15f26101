// Workspace: a directory in the store's tmp/ in which one import or removal works. Its lock says
// that the owner lives. What has no locked lock is of the dead, and whoever works next removes it.
#pragma once

#include <cstdint>
#include <string>

#include "images/store_dirs.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

class Workspace {
 public:
  /// `dirs` must outlive the workspace.
  static base::Result<Workspace> create(const StoreDirs& dirs);
  Workspace(Workspace&& other) noexcept;
  Workspace& operator=(Workspace&&) = delete;
  Workspace(const Workspace&) = delete;
  Workspace& operator=(const Workspace&) = delete;
  /// Removes it as well as it can.
  ~Workspace() { (void)remove(); }

  /// The directory; it has a file "lock" and whatever the owner makes.
  [[nodiscard]] int fd() const { return dir_.get(); }
  /// Once; later calls do nothing.
  base::Result<void> remove();

 private:
  friend base::Result<Workspace> make_workspace(const StoreDirs& dirs);
  Workspace(const StoreDirs& dirs, std::string name) : dirs_(&dirs), name_(std::move(name)) {}

  const StoreDirs* dirs_;
  std::string name_;  ///< Empty: removed.
  base::UniqueFd dir_;
  base::UniqueFd lock_;
};

struct DeadWork {
  std::uint64_t count = 0;
  std::uint64_t bytes = 0;  ///< On disk; only if that was asked for.
};
enum class Measure { kNo, kYes };
/// Removes what dead imports and removals left. Nearly free when there is nothing.
base::Result<DeadWork> remove_dead_work(const StoreDirs& dirs, Measure measure = Measure::kNo);

}  // namespace stagebox::images
