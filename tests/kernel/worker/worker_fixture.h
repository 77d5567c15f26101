// What the tests of worker processes share: servers that are forked before gtest's threads, one for
// each thing that a worker can be.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "sandbox/fork_server/fork_server.h"
#include "sandbox/ids/id_map.h"
#include "sandbox/worker/worker_server.h"

namespace stagebox::testing {

struct WorkerMachine {
  std::shared_ptr<sandbox::HostIds> ids;
  std::unique_ptr<sandbox::WorkerServer> honest;   ///< Unpacks layers.
  std::unique_ptr<sandbox::WorkerServer> hostile;  ///< Tries what the request names: attacks.h.
  std::unique_ptr<sandbox::WorkerServer> lying;    ///< Answers with nonsense.
  std::unique_ptr<sandbox::WorkerServer> empty;    ///< Reads reports, and tells of none of them.
  std::unique_ptr<sandbox::WorkerServer> dying;    ///< Unpacks a part and kills itself.
  std::unique_ptr<sandbox::WorkerServer> waiting;  ///< Says nothing, and ends when nobody listens.
  std::unique_ptr<sandbox::WorkerServer> ending;   ///< As the first byte of the request says.
  std::unique_ptr<sandbox::ForkServer> fork_server;
};
WorkerMachine& worker_machine();

/// How `ending` ends.
enum class WayToEnd : unsigned char { kExit, kTrap, kSilence, kProcessorTime };

/// Runs in the worker: does its worst and sends a line for whatever it could do or see that it
/// should not; nothing for a worker without power.
void attack(const sandbox::WorkerInput& input);

}  // namespace stagebox::testing
