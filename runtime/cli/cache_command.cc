// Commands about saved caches: cache list, cache remove.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iomanip>
#include <iostream>

#include "runtime/base/units.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/json_text.h"
#include "runtime/run/state/stored_state.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using base::Result;
using nlohmann::json;

json to_json(const store::CacheSnapshot& snapshot) {
  return {{"id", snapshot.id},
          {"domain", snapshot.place.domain.text()},
          {"pipeline", snapshot.place.pipeline},
          {"path", snapshot.place.path},
          {"key", snapshot.key},
          {"files", snapshot.tree.files},
          {"bytes", snapshot.tree.bytes},
          {"run", snapshot.run_id},
          {"stage", snapshot.stage},
          {"saved_at_ms", snapshot.saved_at.time_since_epoch().count()},
          {"used_at_ms", snapshot.used_at.time_since_epoch().count()}};
}

void print(const store::CacheSnapshot& snapshot, store::Timestamp now) {
  std::cout << std::left << std::setw(7) << snapshot.id << std::setw(10)
            << base::format_bytes(snapshot.tree.bytes) << "used " << std::setw(10)
            << base::format_duration(std::max(now - snapshot.used_at, std::chrono::milliseconds(0)))
            << "ago  " << std::setw(20) << snapshot.place.domain.text() << ' '
            << scheduler::escape_controls(snapshot.place.pipeline) << "  "
            << scheduler::escape_controls(snapshot.place.path) << "  "
            << scheduler::escape_controls(snapshot.key) << '\n';
}

// Which of them the options mean; kNotFound for a number that none has.
Result<std::vector<std::int64_t>> wanted(const std::vector<store::CacheSnapshot>& snapshots,
                                         const CacheRemoveOptions& options) {
  std::vector<std::int64_t> ids = options.ids;
  for (const std::int64_t id : ids) {
    if (std::ranges::find(snapshots, id, &store::CacheSnapshot::id) == snapshots.end())
      return base::not_found("there is no saved cache " + std::to_string(id) +
                             "; \"stagebox cache list\" lists them");
  }
  for (const store::CacheSnapshot& snapshot : snapshots) {
    const bool in_domain =
        !options.domain.empty() && snapshot.place.domain.name() == options.domain;
    if (options.all || in_domain) ids.push_back(snapshot.id);
  }
  return ids;
}

}  // namespace

Result<int> cache_list_command(const CacheListOptions& options) {
  const run::StoredState state = TRY(run::StoredState::open());
  const auto snapshots = TRY(state.runs().caches().list());
  if (options.format == OutputFormat::kJson) {
    json document = json::array();
    for (const store::CacheSnapshot& snapshot : snapshots) document.push_back(to_json(snapshot));
    std::cout << pretty(document);
    return kSuccess;
  }
  const store::Timestamp now = store::timestamp_now();
  for (const store::CacheSnapshot& snapshot : snapshots) print(snapshot, now);
  return kSuccess;
}

Result<int> cache_remove_command(const CacheRemoveOptions& options) {
  if (options.ids.empty() && options.domain.empty() && !options.all) {
    return base::invalid(
        "cache remove: which one? Give numbers of \"stagebox cache list\", --domain or --all");
  }
  const run::StoredState state = TRY(run::StoredState::open());
  const store::CacheStore caches = state.runs().caches();
  const auto snapshots = TRY(caches.list());
  std::size_t removed = 0;
  for (const std::int64_t id : TRY(wanted(snapshots, options))) {
    const bool was_there = TRY(caches.remove(id));
    if (was_there) ++removed;
  }
  if (options.format == OutputFormat::kJson)
    std::cout << json{{"removed", removed}}.dump() << '\n';
  else
    std::cout << "removed " << removed << " saved caches; \"stagebox gc\" frees their space\n";
  return kSuccess;
}

}  // namespace stagebox::cli
