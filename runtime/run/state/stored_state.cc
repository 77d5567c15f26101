#include "runtime/run/state/stored_state.h"

#include <cerrno>
#include <string>

#include "runtime/run/engine/host_state.h"
#include "runtime/run/engine/local_engine.h"
#include "runtime/run/engine/recovery.h"
#include "runtime/store/instance_lock.h"
#include "sandbox/ids/id_map.h"

namespace stagebox::run {
namespace {

using base::Result;

Result<bool> somebody_died(const store::Home& home) {
  return !TRY(store::InstanceLock::dead(home)).empty();
}

// Opening the engine undoes what the dead left; that is all it is wanted for here.
Result<store::Home> open_recovered_home(Recovery recovery) {
  const std::string path = TRY(store::Home::resolve(store::HomeRequest::of_process()));
  store::Home home = TRY(open_home_at(path));
  if (recovery == Recovery::kRunsOnly) return home;
  const bool died = TRY(somebody_died(home));
  if (!died) return home;
  const auto recovered = LocalEngine::open({.imports = Imports::kLater});
  // On a full disk what is there can still be looked at; whoever comes next undoes the rest.
  const bool is_full = !recovered.ok() && recovered.error().errno_value == ENOSPC;
  if (!recovered.ok() && !is_full) return recovered.error();
  return open_home_at(path);
}

}  // namespace

Result<StoredState> StoredState::open(Recovery recovery) {
  store::Home home = TRY(open_recovered_home(recovery));
  store::RunStore runs = TRY(store::RunStore::open(home.run_database()));
  if (recovery == Recovery::kRunsOnly) TRY(end_dead_runs(home, runs));
  store::ContentStore content = TRY(store::ContentStore::open(home.fd()));
  return StoredState(std::move(home), std::move(runs), std::move(content));
}

Result<images::ImageStore> open_image_store() {
  const std::string path = TRY(store::Home::resolve(store::HomeRequest::of_process()));
  const store::Home looked_at = TRY(open_home_at(path));
  const bool died = TRY(somebody_died(looked_at));
  if (died) {
    const auto engine = TRY(LocalEngine::open({.imports = Imports::kLater}));
    return images::ImageStore::open(engine->home().fd(), layer_ownership(*engine->ids()));
  }
  const auto ids = TRY(sandbox::HostIds::acquire());
  const store::Home home = TRY(open_home_at(path));
  return images::ImageStore::open(home.fd(), layer_ownership(*ids));
}

}  // namespace stagebox::run
