// WorkerIds: the user namespace of one worker process. As root: a range of ids that nobody else
// has. Otherwise: the ids that we have.
#pragma once

#include <memory>
#include <optional>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/ids/id_map.h"

namespace stagebox::run {

struct WorkerIds {
  std::optional<sandbox::HostIds::Lease> lease;
  base::UniqueFd own;

  static base::Result<WorkerIds> get(const std::shared_ptr<sandbox::HostIds>& ids);
  [[nodiscard]] int user_namespace() const { return lease ? lease->user_namespace() : own.get(); }
  /// For mounts that show the worker its ids as the files' own; -1: they are.
  [[nodiscard]] int mount_map() const { return lease ? lease->user_namespace() : -1; }
};

}  // namespace stagebox::run
