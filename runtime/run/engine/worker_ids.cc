#include "runtime/run/engine/worker_ids.h"

#include "sandbox/ids/user_namespace.h"

namespace stagebox::run {

using sandbox::HostIds;

base::Result<WorkerIds> WorkerIds::get(const std::shared_ptr<HostIds>& ids) {
  WorkerIds worker;
  if (ids->kind() == HostIds::Kind::kRoot) {
    worker.lease = TRY(HostIds::lease(ids));
    return worker;
  }
  const bool is_single = ids->kind() == HostIds::Kind::kSingle;
  worker.own = TRY(sandbox::make_twin_namespace(is_single ? 0 : ids->layer_count()));
  return worker;
}

}  // namespace stagebox::run
