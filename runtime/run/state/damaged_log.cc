#include "runtime/run/state/damaged_log.h"

#include <algorithm>

#include "runtime/store/action_cache.h"

namespace stagebox::run {

base::Result<bool> drop_result_of_log(const StoredState& state, const std::string& run_id,
                                      const std::string& path) {
  const store::RunDetails details = TRY(state.runs().show_run(run_id));
  const auto stage = std::ranges::find_if(details.stages, [&path](const store::StageRow& row) {
    return row.log_path == path && row.stage_key;
  });
  if (stage == details.stages.end()) return false;
  const base::Digest& stage_key = *stage->stage_key;
  const auto cache = TRY(store::ActionCache::open(state.home().fd()));
  const store::Lookup found = TRY(cache.lookup(stage_key, state.content()));
  if (found.state != store::RecordState::kWhole || found.result.log_path != path) return false;
  TRY(cache.remove(stage_key));
  return true;
}

}  // namespace stagebox::run
