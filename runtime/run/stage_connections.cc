#include "runtime/run/stage_connections.h"

#include <fcntl.h>

#include <string>

#include "runtime/base/files.h"
#include "runtime/run/engine/connections.h"
#include "runtime/run/engine/network_access.h"
#include "runtime/run/secrets/secret_masker.h"

namespace stagebox::run {

using base::Result;
using base::UniqueFd;

Result<StageConnections> StageConnections::open(const RunContext& run,
                                                const scheduler::Stage& stage,
                                                const logs::LogWriter& log,
                                                LaunchRequest& request) {
  StageConnections connections(run, stage, log);
  if (!stage.network.is_none()) request.network = TRY(connections.open_network());
  if (request.network && request.network->log && run.masking() != nullptr)
    connections.in_memory_ = TRY(base::duplicate(request.network->log.get()));
  return connections;
}

Result<NetworkAccess> StageConnections::open_network() const {
  // What it says of a stage with secrets is masked before it gets to a disk.
  if (run_.masking() != nullptr) return make_network_access(stage_.network, memory_log);
  return make_network_access(stage_.network, [&] { return create_file(); });
}

Result<UniqueFd> StageConnections::create_file() const {
  constexpr int kFlags = O_RDWR | O_CREAT | O_EXCL | O_APPEND;
  const std::string name = log_.stem() + std::string(kConnectionLogEnd);
  run_.unsynced_logs.add(name);
  return base::open_beneath(run_.log_dir, name, kFlags, base::Links::kRefuse, 0600);
}

Result<void> StageConnections::keep(StageRecord& record) const {
  if (!in_memory_) return {};
  const SecretAutomaton& secrets = *run_.masking();
  const std::string text = TRY(read_connections(in_memory_.get()));
  const UniqueFd file = TRY(create_file());
  TRY(base::write_all(file.get(), masked(secrets, text)));
  ConnectionSummary& summary = record.connections;
  for (auto* named : {&summary.refused, &summary.unreached}) {
    for (std::string& one : *named) one = masked(secrets, one);
  }
  return {};
}

}  // namespace stagebox::run
