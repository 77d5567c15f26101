#include "runtime/run/engine/recovery.h"

#include <ctime>

#include "runtime/base/files.h"
#include "runtime/run/engine/intent.h"
#include "runtime/run/engine/unfinished_artifact.h"
#include "runtime/store/instance_lock.h"
#include "sandbox/cgroup/cgroup_removal.h"

namespace stagebox::run {
namespace {

using base::Result;

constexpr char kKilled[] = "Stagebox was killed meanwhile, or could not record more";

// Without cgroups the sandboxes of a dead process are killed by its fork server, which saw the end
// of its socket at the same moment as we saw the free lock: they may still be writing for an
// instant.
Result<void> remove_scratch(int sandboxes_fd, const std::string& instance) {
  constexpr int kAttempts = 100;
  for (int attempt = 0;; ++attempt) {
    auto removed = base::remove_tree_at(sandboxes_fd, instance);
    if (removed.ok() || attempt == kAttempts) return removed;
    const struct timespec pause{0, 10'000'000};
    (void)::nanosleep(&pause, nullptr);
  }
}

// An artifact that cannot be removed, on a disk that became read-only say, is no reason for the
// next command to fail: its instance stays, so that it is tried again.
Result<void> undo(store::InstanceLock& instance, int sandboxes_fd) {
  const Intent intent = decode_intent(TRY(instance.read_note()), instance.id());
  for (const std::string& cgroup : intent.cgroups) TRY(sandbox::remove_cgroup_tree(cgroup));
  TRY(remove_scratch(sandboxes_fd, instance.id()));
  bool is_undone = true;
  for (const UnfinishedArtifact& artifact : intent.artifacts)
    is_undone = remove_unfinished(artifact).ok() && is_undone;
  return is_undone ? instance.remove() : Result<void>();
}

Result<void> end_runs(const store::RunStore& runs, const std::string& instance) {
  for (const store::RunRecord& run : TRY(runs.unfinished_runs())) {
    if (run.instance == instance)
      TRY(runs.finish_broken_run(run.id, store::timestamp_now(), kKilled));
  }
  return {};
}

// Those of instances that are not there: a crash of the machine can take what was written last.
// `names` are from before it is looked for their instances, each of which is made before its
// directory and removed after it.
Result<void> remove_forgotten_scratch(const store::Home& home, int sandboxes_fd,
                                      const std::vector<std::string>& names) {
  for (const std::string& name : names) {
    const bool there = TRY(store::InstanceLock::exists(home, name));
    if (!there) TRY(base::remove_tree_at(sandboxes_fd, name));
  }
  return {};
}

}  // namespace

Result<std::size_t> recover_dead_instances(const store::Home& home, const OpenRuns& open_runs) {
  const base::UniqueFd sandboxes = TRY(home.subdirectory(kSandboxesDir));
  const auto scratch = TRY(base::list_dir(sandboxes.get()));
  auto dead = TRY(store::InstanceLock::dead(home));
  // First all of them: what takes long to undo holds locks that look like those of the living.
  for (const store::InstanceLock& instance : dead) {
    const store::RunStore* const runs = TRY(open_runs());
    TRY(end_runs(*runs, instance.id()));
  }
  for (store::InstanceLock& instance : dead) TRY(undo(instance, sandboxes.get()));
  TRY(remove_forgotten_scratch(home, sandboxes.get(), scratch));
  return dead.size();
}

Result<void> end_dead_runs(const store::Home& home, const store::RunStore& runs) {
  const auto dead = TRY(store::InstanceLock::dead(home));
  for (const store::InstanceLock& instance : dead) TRY(end_runs(runs, instance.id()));
  return end_forgotten_runs(home, runs);
}

Result<void> end_forgotten_runs(const store::Home& home, const store::RunStore& runs) {
  const auto unfinished = TRY(runs.unfinished_runs());
  for (const store::RunRecord& run : unfinished) {
    if (run.instance.empty()) continue;
    const bool there = TRY(store::InstanceLock::exists(home, run.instance));
    if (!there) TRY(runs.finish_broken_run(run.id, store::timestamp_now(), kKilled));
  }
  return {};
}

}  // namespace stagebox::run
