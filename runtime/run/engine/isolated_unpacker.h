// IsolatedUnpacker: unpacks layers in worker processes that have nothing to lose, so that an error
// in a decompressor or a tar parser gains an attacker no more than a layer with other content than
// it claims. A worker sees the archive, its layer's directory and, to read, the layers below.
#pragma once

#include <memory>

#include "images/layer/layer_unpacker.h"
#include "sandbox/ids/id_map.h"
#include "sandbox/worker/worker_server.h"

namespace stagebox::run {

class IsolatedUnpacker final : public images::LayerUnpacker {
 public:
  /// `server` was started with run_worker_task (worker_tasks.h) and outlives this; null:
  /// start_with() comes before the first unpack().
  IsolatedUnpacker(const sandbox::WorkerServer* server, std::shared_ptr<sandbox::HostIds> ids)
      : server_(server), ids_(std::move(ids)) {}
  void start_with(const sandbox::WorkerServer* server) { server_ = server; }

  /// kUnsupported when the worker cannot be confined.
  base::Result<images::UnpackedLayer> unpack(const images::LayerJob& job, images::ParentGate& below,
                                             const std::stop_token& stop) const override;

 private:
  const sandbox::WorkerServer* server_;
  std::shared_ptr<sandbox::HostIds> ids_;
};

}  // namespace stagebox::run
