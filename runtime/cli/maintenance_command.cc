#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <vector>

#include "runtime/base/files.h"
#include "runtime/base/units.h"
#include "runtime/cli/commands.h"
#include "runtime/cli/exit_status.h"
#include "runtime/run/local_engine.h"
#include "sandbox/self_check.h"

namespace stagebox::cli {
namespace {

using base::Result;
using nlohmann::json;
using State = sandbox::Check::State;

const char* state_name(State state) {
  switch (state) {
    case State::kEnforced:
      return "enforced";
    case State::kDegraded:
      return "degraded";
    case State::kRefused:
      break;
  }
  return "refused";
}

void print_checks_as_json(const std::vector<sandbox::Check>& checks) {
  json document = json::array();
  for (const sandbox::Check& check : checks) {
    document.push_back({{"name", check.name},
                        {"state", state_name(check.state)},
                        {"detail", check.detail},
                        {"remedy", check.remedy}});
  }
  std::cout << document.dump(2) << '\n';
}

// A remedy that serves several checks in a row stands once, below the last of them.
void print_checks(const std::vector<sandbox::Check>& checks) {
  for (auto check = checks.begin(); check != checks.end(); ++check) {
    std::cout << std::left << std::setw(10) << state_name(check->state) << std::setw(22)
              << check->name << check->detail << '\n';
    const auto next = std::next(check);
    const bool repeated = next != checks.end() && next->remedy == check->remedy;
    if (check->state == State::kEnforced || check->remedy.empty() || repeated) continue;
    std::cout << std::setw(32) << "" << "remedy: " << check->remedy << '\n';
  }
}

// What the stage cache can still hand out stays, and so do the outputs of the runs on record.
Result<store::LiveSet> live_content(run::LocalEngine& engine) {
  store::LiveSet live;
  const auto add = [&live](const store::StoredOutput& output) {
    (output.kind == store::OutputKind::kFile ? live.blobs : live.trees).insert(output.digest);
  };
  for (const auto& entry : TRY(engine.actions().list())) {
    for (const store::StoredOutput& output : entry.result.outputs) add(output);
  }
  for (const store::OutputRow& row : TRY(engine.runs().all_outputs())) add(row.output);
  return live;
}

Result<void> forget_old_results(run::LocalEngine& engine,
                                std::chrono::system_clock::time_point oldest) {
  for (const auto& entry : TRY(engine.actions().list())) {
    if (entry.last_used < oldest) TRY(engine.actions().remove(entry.action));
  }
  const auto runs = TRY(engine.runs().list_runs(1'000'000));
  for (const store::RunRecord& run : runs) {
    if (!run.ended_at || *run.ended_at >= oldest) continue;
    TRY(engine.runs().remove_run(run.id));
    const base::UniqueFd logs = TRY(engine.home().subdirectory("logs"));
    TRY(base::remove_tree_at(logs.get(), run.id));
  }
  return {};
}

}  // namespace

Result<int> doctor_command(const DoctorOptions& options) {
  const auto engine = TRY(run::LocalEngine::open());
  const auto checks = sandbox::self_check(engine->ids(), engine->fork_server(), engine->cgroups(),
                                          engine->scratch_dir());
  if (options.format == OutputFormat::kJson) {
    print_checks_as_json(checks);
  } else {
    print_checks(checks);
  }
  const bool usable = std::ranges::none_of(checks, [](const sandbox::Check& check) {
    return check.name == "sandbox" && check.state == State::kRefused;
  });
  return usable ? kSuccess : kOurFailure;
}

Result<int> gc_command(const GcOptions& options) {
  const auto keep = TRY(base::parse_duration(options.keep));
  const auto engine = TRY(run::LocalEngine::open());
  TRY(forget_old_results(*engine, std::chrono::system_clock::now() - keep));
  store::CollectOptions collect;
  collect.older_than = std::chrono::duration_cast<std::chrono::seconds>(keep);
  const auto content =
      TRY(engine->content().collect(collect, [&engine] { return live_content(*engine); }));
  const auto images = TRY(engine->images().collect_garbage());
  if (options.format == OutputFormat::kJson) {
    std::cout << json{{"blobs", content.blobs},
                      {"trees", content.trees},
                      {"layers", images.layers_removed},
                      {"bytes", content.bytes + images.bytes_freed}}
                     .dump()
              << '\n';
  } else {
    std::cout << "freed " << base::format_bytes(content.bytes + images.bytes_freed) << ": "
              << content.blobs << " blobs, " << content.trees << " trees, " << images.layers_removed
              << " layers\n";
  }
  return kSuccess;
}

}  // namespace stagebox::cli
