// What our worker processes do. The server that forks them knows one function; the first byte of a
// request says which task it is for.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "sandbox/worker/worker_server.h"

namespace stagebox::run {

enum class WorkerTask : unsigned char {
  kUnpackLayer = 'l',
  kReadReports = 't',
  kReadCoverage = 'c',
  kReadSummary = 'm',
};

/// The request as it is sent.
std::vector<std::byte> worker_request(WorkerTask task, std::span<const std::byte> request);

/// What a worker server is started with. Does nothing for a request of no task.
void run_worker_task(const sandbox::WorkerInput& input);

}  // namespace stagebox::run
