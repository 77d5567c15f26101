#include <nlohmann/json.hpp>

#include <iostream>

#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/cli/json_text.h"
#include "runtime/run/explanation.h"
#include "runtime/run/explanation_text.h"
#include "runtime/run/state/stored_state.h"
#include "scheduler/diagnostics.h"

namespace stagebox::cli {
namespace {

using base::Result;
using nlohmann::json;

/// What a terminal shows; `--json` has all that is known.
constexpr std::size_t kShownDifferences = 50;

json to_json(const store::Difference& difference) {
  json document{{"kind", std::string(to_string(difference.kind))},
                {"text", run::describe(difference)}};
  if (!difference.name.empty()) document["name"] = difference.name;
  if (difference.is_withheld)
    document["withheld"] = true;
  else if (difference.before)
    document["before"] = *difference.before;
  if (difference.after) document["after"] = *difference.after;
  if (!difference.before_name.empty()) document["before_name"] = difference.before_name;
  if (!difference.after_name.empty()) document["after_name"] = difference.after_name;
  return document;
}

json to_json(const run::NearestRun& nearest) {
  json document{{"run", nearest.stage.run_id},
                {"stage", nearest.stage.stage},
                {"started_at_ms", nearest.stage.run_started_at.time_since_epoch().count()},
                {"state", std::string(store::stage_state_name(nearest.stage.state))},
                {"key", nearest.stage.stage_key.hex()}};
  if (!nearest.differences) return document;
  document["differences"] = json::array();
  for (const auto& one : nearest.differences->list) document["differences"].push_back(to_json(one));
  document["complete"] = nearest.differences->complete;
  return document;
}

json to_json(const run::Explanation& explanation) {
  const store::StageRow& row = explanation.stage;
  json document{{"run", row.run_id},
                {"stage", row.stage},
                {"state", std::string(store::stage_state_name(row.state))},
                {"answer", run::answer(explanation)},
                {"verdict", explanation.verdict},
                {"cached_from", row.cached_from},
                {"domain", explanation.domain.text()}};
  if (!explanation.detail.empty()) document["detail"] = explanation.detail;
  if (row.stage_key) document["key"] = row.stage_key->hex();
  if (explanation.nearest) document["nearest"] = to_json(*explanation.nearest);
  return document;
}

void print(const run::Explanation& explanation) {
  std::cout << scheduler::escape_controls(run::answer(explanation)) << '\n';
  if (!explanation.nearest || !explanation.nearest->differences) return;
  const auto& [list, complete] = *explanation.nearest->differences;
  if (list.empty()) return;
  std::cout << "compared with " << run::compared_with(explanation) << ":\n";
  for (std::size_t i = 0; i < list.size() && i < kShownDifferences; ++i)
    std::cout << "  " << scheduler::escape_controls(run::describe(list[i])) << '\n';
  if (list.size() > kShownDifferences || !complete) std::cout << "  and more; see --json\n";
}

}  // namespace

Result<int> explain_command(const ExplainOptions& options) {
  const run::StoredState state = TRY(run::StoredState::open());
  const std::string id = TRY(state.runs().find_run(options.run)).id;
  const store::DecisionStore decisions = state.runs().decisions();
  const run::Explanation explanation =
      TRY(run::explain({state.runs(), decisions, state.content()}, id, options.stage));
  if (options.format == OutputFormat::kJson)
    std::cout << pretty(to_json(explanation));
  else
    print(explanation);
  return kSuccess;
}

}  // namespace stagebox::cli
