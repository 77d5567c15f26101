#include "runtime/run/engine/worker_tasks.h"

#include "images/layer/unpack_message.h"
#include "runtime/run/engine/report_reader.h"

namespace stagebox::run {

std::vector<std::byte> worker_request(WorkerTask task, std::span<const std::byte> request) {
  std::vector<std::byte> bytes;
  bytes.reserve(1 + request.size());
  bytes.push_back(static_cast<std::byte>(task));
  bytes.insert(bytes.end(), request.begin(), request.end());
  return bytes;
}

void run_worker_task(const sandbox::WorkerInput& input) {
  if (input.request.empty()) return;
  sandbox::WorkerInput task = input;
  task.request = input.request.subspan(1);
  switch (static_cast<WorkerTask>(input.request.front())) {
    case WorkerTask::kUnpackLayer:
      return images::unpack_for_socket(task.socket, task.request, task.fds);
    case WorkerTask::kReadReports:
      return ReportReader::read_in_worker(task);
    case WorkerTask::kReadCoverage:
      return ReportReader::read_coverage_in_worker(task);
    case WorkerTask::kReadSummary:
      return ReportReader::read_summary_in_worker(task);
  }
}

}  // namespace stagebox::run
