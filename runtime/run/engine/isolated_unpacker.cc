#include "runtime/run/engine/isolated_unpacker.h"

#include "images/layer/unpack_message.h"
#include "runtime/base/files.h"
#include "runtime/run/engine/worker_ids.h"
#include "runtime/run/engine/worker_tasks.h"
#include "sandbox/mounts/detached_mount.h"

namespace stagebox::run {
namespace {

using base::Result;
using base::UniqueFd;
using sandbox::HostIds;
using sandbox::MountAccess;

// The window of zstd (128 MiB), what is remembered of directories, a ring of buffers, headers.
constexpr std::uint64_t kMemoryBesidePending = 768ULL << 20;
// An hour: a hundred times what the largest image that is allowed takes.
constexpr std::uint64_t kCpuSeconds = 3600;

struct Handed {
  std::vector<UniqueFd> mounts;
  std::vector<int> fds;
};

// In the order of unpack_message.h.
Result<Handed> hand_over(const images::LayerJob& job, int map) {
  Handed handed;
  handed.fds.push_back(job.source.range.file->get());
  if (job.copy_fd >= 0) handed.fds.push_back(job.copy_fd);
  if (job.copy_fd >= 0 && job.list_fd >= 0) handed.fds.push_back(job.list_fd);
  if (job.layer_fd < 0) return handed;
  handed.mounts.push_back(TRY(sandbox::clone_mount(job.layer_fd, MountAccess::kReadWrite, map)));
  for (const int parent : job.parents) {
    handed.mounts.push_back(TRY(sandbox::clone_mount(parent, MountAccess::kReadOnly, map)));
  }
  for (const UniqueFd& mount : handed.mounts) handed.fds.push_back(mount.get());
  return handed;
}

}  // namespace

Result<images::UnpackedLayer> IsolatedUnpacker::unpack(const images::LayerJob& job,
                                                       images::ParentGate& below,
                                                       const std::stop_token& stop) const {
  if (server_ == nullptr) return base::unsupported("this command was not going to import an image");
  const WorkerIds ids = TRY(WorkerIds::get(ids_));
  const Handed handed = TRY(hand_over(job, ids.mount_map()));
  const images::UnpackRequest unpack = images::encode_job(job);
  const std::vector<std::byte> request =
      worker_request(WorkerTask::kUnpackLayer, std::as_bytes(std::span(&unpack, 1)));
  sandbox::WorkerServer::Task task;
  task.request = request;
  task.fds = handed.fds;
  task.writable = job.layer_fd < 0 ? -1 : 1;
  task.user_namespace = ids.user_namespace();
  task.deny_setgroups = ids_->kind() == HostIds::Kind::kSingle;
  task.memory_bytes = job.limits.pending_bytes + kMemoryBesidePending;
  task.cpu_seconds = kCpuSeconds;
  task.file_bytes = job.limits.expanded_bytes;
  const sandbox::Worker worker = TRY(server_->start_worker(task));
  auto result = [&] {
    const std::stop_callback on_stop(stop, [&worker] { worker.kill(); });
    return images::await_unpacked(worker.socket(), below, job.on_progress);
  }();
  const bool is_silent = !result.ok() && result.error().errno_value == images::kUnpackerSilent;
  if (is_silent && !stop.stop_requested() && worker.end() == sandbox::WorkerEnd::kOthers)
    result = sandbox::worker_killed("unpacked it");
  // The layer is complete, or may be removed, only when nobody can write to it any more.
  worker.kill();
  worker.wait();
  if (result.ok()) return result;
  if (stop.stop_requested()) return base::cancelled("the import was interrupted");
  const bool is_told = result.error().message.starts_with(job.source.label);
  return is_told ? result.error() : result.error().with_context(job.source.label);
}

}  // namespace stagebox::run
