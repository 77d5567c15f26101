#include "runtime/run/engine/local_engine.h"

#include <fcntl.h>
#include <unistd.h>

#include "runtime/base/files.h"
#include "runtime/run/engine/host_state.h"
#include "runtime/run/engine/intent.h"
#include "runtime/run/engine/isolated_unpacker.h"
#include "runtime/run/engine/process_identity.h"
#include "runtime/run/engine/recovery.h"
#include "runtime/run/engine/worker_tasks.h"
#include "runtime/store/content/room_reserve.h"
#include "sandbox/seccomp/seccomp_policy.h"

namespace stagebox::run {
namespace {

using base::Result;

// Inputs belong to the root of the sandbox; id-mapped mounts see to that where there are any.
store::TreeOwner tree_owner(const sandbox::HostIds& ids) {
  if (ids.layer_shift() == 0) return {};
  return {ids.layer_shift(), ids.layer_shift()};
}

}  // namespace

Result<std::unique_ptr<LocalEngine>> LocalEngine::open(const EngineNeeds& needs) {
  std::unique_ptr<LocalEngine> engine(new LocalEngine());
  const std::string path = TRY(store::Home::resolve(store::HomeRequest::of_process()));
  engine->ids_ = TRY(sandbox::HostIds::acquire());
  if (needs.imports == Imports::kYes) TRY(engine->allow_imports());
  engine->server_ = TRY(sandbox::ForkServer::start());
  if (needs.networking == Networking::kYes) {
    engine->proxies_ = TRY(sandbox::network::ProxyServer::start(engine->ids_->unprivileged_id()));
  }
  engine->home_ = TRY(open_home_at(path));
  if (needs.reserve == Reserve::kMade && needs.stores == Stores::kAll)
    store::make_reserve(engine->home_->fd(), store::Room::kPlenty);
  TRY(engine->open_images());
  if (needs.stores == Stores::kAll) TRY(engine->open_stores());
  TRY(engine->recover(needs.stores));
  TRY(engine->open_instance(needs.sandboxes));
  ScratchPlace scratch{engine->scratch_dir()};
  if (needs.sandboxes == Sandboxes::kOne) scratch.only = engine->instance();
  engine->launcher_.emplace(*engine->server_, engine->proxies_.get(), engine->ids_,
                            *engine->cgroups_, std::move(scratch));
  return engine;
}

Result<void> LocalEngine::recover(Stores stores) {
  TRY(undo_dead());
  if (stores == Stores::kAll) TRY(end_forgotten_runs(*home_, *runs_));
  return images_->recover();
}

Result<void> LocalEngine::undo_dead() {
  const std::size_t dead = TRY(recover_dead_instances(*home_, [this] { return open_runs(); }));
  if (dead == 0) return {};
  const store::ContentStore* content = TRY(open_content());
  return content->remove_unfinished();
}

Result<void> LocalEngine::allow_imports() {
  if (workers_) return {};
  workers_ = TRY(sandbox::WorkerServer::start(run_worker_task));
  if (unpacker_) unpacker_->start_with(workers_.get());
  return {};
}

Result<void> LocalEngine::open_images() {
  const images::LayerForms forms = TRY(layer_forms());
  unpacker_ = std::make_shared<IsolatedUnpacker>(workers_.get(), ids_);
  images_ = TRY(images::ImageStore::open(home_->fd(), layer_ownership(*ids_), unpacker_, forms));
  seccomp_.emplace(TRY(home_->subdirectory("seccomp")));
  return {};
}

Result<void> LocalEngine::open_stores() {
  (void)TRY(open_content());
  actions_ = TRY(store::ActionCache::open(home_->fd()));
  (void)TRY(open_runs());
  return {};
}

Result<store::ContentStore*> LocalEngine::open_content() {
  if (!content_) content_ = TRY(store::ContentStore::open(home_->fd(), tree_owner(*ids_)));
  return &*content_;
}

Result<const store::RunStore*> LocalEngine::open_runs() {
  if (!runs_) runs_ = TRY(store::RunStore::open(home_->run_database()));
  return &*runs_;
}

Result<void> LocalEngine::open_instance(Sandboxes sandboxes) {
  const bool is_one = sandboxes == Sandboxes::kOne;
  instance_ = TRY(store::InstanceLock::create(*home_));
  cgroups_ = TRY(sandbox::CgroupTree::discover(
      "stagebox-" + instance_->id(),
      is_one ? sandbox::CgroupCount::kOne : sandbox::CgroupCount::kMany));
  // Before anything of it exists: whoever finds the instance dead knows what to undo.
  TRY(instance_->add_to_note(note_of_this_process() + encode_cgroups(cgroups_->directories())));
  sandboxes_ = TRY(home_->subdirectory(kSandboxesDir));
  if (is_one) return {};
  TRY(base::make_dir_at(sandboxes_.get(), instance_->id(), 0700));
  scratch_ = TRY(base::open_beneath(sandboxes_.get(), instance_->id(), O_RDONLY | O_DIRECTORY,
                                    base::Links::kRefuse));
  return {};
}

LocalEngine::~LocalEngine() {
  launcher_.reset();
  // They end side by side; then each is waited for.
  if (proxies_) proxies_->end();
  if (server_) server_->end();
  if (workers_) workers_->end();
  proxies_.reset();
  server_.reset();
  workers_.reset();
  if (!instance_) return;
  // Without the directory of all scratch directories there is none of ours.
  const bool clean = (!cgroups_ || cgroups_->destroy().ok()) &&
                     (!sandboxes_ || base::remove_tree_at(sandboxes_.get(), instance_->id()).ok());
  if (clean && !left_to_recovery_) (void)instance_->remove();
}

Result<std::shared_ptr<const sandbox::SeccompProgram>> LocalEngine::seccomp(
    sandbox::DeniedCalls denied) {
  return seccomp_->get(sandbox::default_seccomp_rules(), denied);
}

}  // namespace stagebox::run
