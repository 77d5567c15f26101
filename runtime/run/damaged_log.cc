#include "runtime/run/damaged_log.h"

#include "runtime/store/action_cache.h"

namespace stagebox::run {

base::Result<bool> drop_result_of_log(const StoredState& state, const base::Digest& stage_key,
                                      const std::string& path) {
  const auto cache = TRY(store::ActionCache::open(state.home().fd()));
  const store::Lookup found = TRY(cache.lookup(stage_key, state.content()));
  if (found.state != store::RecordState::kWhole || found.result.log_path != path) return false;
  TRY(cache.remove(stage_key));
  return true;
}

}  // namespace stagebox::run
