#include "runtime/run/stage/recorded_stage.h"

#include <algorithm>
#include <sstream>
#include <string_view>
#include <utility>

#include "runtime/base/capabilities.h"
#include "runtime/base/printable.h"
#include "runtime/run/stage/limits_json.h"
#include "runtime/run/stage/missing_stage.h"
#include "runtime/store/runs/execution.h"

namespace stagebox::run {
namespace {

using base::Result;
using Platform = std::map<std::string, std::string>;

constexpr std::string_view kSecretMark = "secret:";
constexpr std::string_view kServicePrefix = "service:";
constexpr std::string_view kVariableMark = "env:";

base::Error damaged() { return base::corrupt("what is on record of the stage is damaged"); }

Result<std::string> property(const Platform& platform, const std::string& name) {
  const auto found = platform.find(name);
  if (found == platform.end()) return damaged();
  return found->second;
}

// What Network::text() says.
Result<scheduler::Network> parse_network(const std::string& text) {
  using Mode = scheduler::Network::Mode;
  scheduler::Network network;
  if (text == "none") return network;
  if (text == "nat" || text == "host") {
    network.mode = text == "nat" ? Mode::kNat : Mode::kHost;
    return network;
  }
  std::istringstream words(text);
  std::string word;
  if (!(words >> word) || word != "allow") return damaged();
  network.mode = Mode::kAllow;
  while (words >> word) {
    auto rule = base::NetworkRule::parse(word);
    if (!rule.ok()) return damaged();
    network.allow.push_back(std::move(*rule));
  }
  if (network.allow.empty()) return damaged();
  return network;
}

Result<std::uint64_t> capabilities_of(const Platform& platform) {
  const auto found = platform.find("capabilities");
  if (found == platform.end()) return 0;
  const auto bits = base::parse_capabilities_text(found->second);
  if (!bits) return damaged();
  return *bits;
}

// Sorted, as the platform's properties are.
std::vector<scheduler::StageSecret> secrets_of(const Platform& platform) {
  std::vector<scheduler::StageSecret> secrets;
  for (const auto& [name, value] : platform) {
    if (!name.starts_with(kSecretMark)) continue;
    scheduler::StageSecret secret;
    secret.name = name.substr(kSecretMark.size());
    if (value.starts_with(kVariableMark)) secret.env = value.substr(kVariableMark.size());
    secrets.push_back(std::move(secret));
  }
  return secrets;
}

// "service:NAME:image" is there once for each.
std::vector<scheduler::Service> services_of(const Platform& platform) {
  std::vector<scheduler::Service> services;
  for (const auto& [name, value] : platform) {
    if (!name.starts_with(kServicePrefix)) continue;
    const std::string rest = name.substr(kServicePrefix.size());
    const std::size_t colon = rest.find(':');
    if (colon == std::string::npos || rest.substr(colon) != ":image") continue;
    scheduler::Service service;
    service.name = rest.substr(0, colon);
    services.push_back(std::move(service));
  }
  return services;
}

Result<std::vector<ResolvedInput>> inputs_of(const store::ActionView& action) {
  std::vector<ResolvedInput> inputs;
  for (const store::ActionInput& recorded : action.inputs) {
    ResolvedInput input;
    auto at = base::RelativePath::parse(recorded.path);
    if (!at.ok()) return damaged();
    input.input.at = std::move(*at);
    if (action.platform.contains("overlay:" + input.input.at.str()))
      input.input.mode = scheduler::InputMode::kOverlay;
    input.content.kind = recorded.kind;
    input.content.digest = recorded.digest;
    input.content.executable = recorded.executable;
    inputs.push_back(std::move(input));
  }
  return inputs;
}

bool has_ended(store::StageState state) {
  return state != store::StageState::kPending && state != store::StageState::kRunning &&
         state != store::StageState::kRetrying;
}

Result<store::StageRow> find_row(const store::RunDetails& details, const std::string& stage) {
  const auto row = std::ranges::find(details.stages, stage, &store::StageRow::stage);
  if (row == details.stages.end()) return no_stage(details, stage);
  return *row;
}

// Not of a run that is gone: the key of what a run took from another domain is not the one it has.
Result<store::Execution> what_ran(const store::RunStore& runs, const store::RunDetails& details,
                                  const store::StageRow& row) {
  store::Execution ran = TRY(store::execution_of(runs, details, row));
  if (!ran.stage.empty()) return ran;
  return base::not_found("stage " + base::printable(row.stage) + " was taken from run " +
                         ran.run_id + ", where it is not on record any more; run it again with " +
                         "--no-cache");
}

Result<RecordedStage> read_stage(const store::RunStore& runs, const store::Execution& ran) {
  const store::DecisionStore decisions = runs.decisions();
  const auto decision = TRY(decisions.find(ran.run_id, ran.stage));
  const auto forgotten = [&ran] {
    return base::not_found("not enough of stage " + base::printable(ran.stage) + " of run " +
                           ran.run_id + " is on record to make its sandbox again");
  };
  // Of a Stagebox that kept no limits there is none either: without them it would have more.
  if (!decision || decision->limits.empty()) return forgotten();
  const auto messages = TRY(decisions.messages(decision->stage_key));
  if (messages.empty()) return forgotten();
  const auto action = TRY(store::view_action({decision->stage_key, messages}));
  return read_recorded_stage(ran.stage, action, decision->limits);
}

}  // namespace

Result<RecordedStage> read_recorded_stage(const std::string& id, const store::ActionView& action,
                                          const std::string& limits) {
  RecordedStage recorded;
  recorded.stage.id = id;
  const std::string image = TRY(property(action.platform, "container-image"));
  const auto digest = base::Digest::from_oci(image);
  if (!digest.ok() || action.arguments.empty()) return damaged();
  recorded.image = *digest;
  recorded.user = TRY(property(action.platform, "user"));
  const std::string network = TRY(property(action.platform, "network"));
  recorded.stage.network = TRY(parse_network(network));
  recorded.stage.capabilities = TRY(capabilities_of(action.platform));
  recorded.stage.secrets = secrets_of(action.platform);
  recorded.stage.services = services_of(action.platform);
  const auto workdir =
      base::RelativePath::parse(action.working_directory.empty() ? "." : action.working_directory);
  if (!workdir.ok()) return damaged();
  recorded.command = {
      action.arguments, action.environment,
      "/" + std::string(kWorkspace) + (workdir->is_self() ? "" : "/" + workdir->str())};
  recorded.inputs = TRY(inputs_of(action));
  recorded.limits = TRY(parse_limits_json(limits));
  return recorded;
}

Result<EndedStage> find_ended_stage(const store::RunStore& runs, const std::string& run,
                                    const std::string& stage) {
  const store::RunDetails details = TRY(runs.show_run(run));
  EndedStage ended;
  ended.run = details.run;
  ended.row = TRY(find_row(details, stage));
  if (!has_ended(ended.row.state))
    return base::invalid("stage " + base::printable(stage) + " of run " + run + " has not ended");
  if (ended.row.state == store::StageState::kSkipped)
    return base::invalid("stage " + base::printable(stage) + " of run " + run + " did not run");
  const store::Execution ran = TRY(what_ran(runs, details, ended.row));
  ended.recorded = TRY(read_stage(runs, ran));
  if (ended.row.cached_from.empty()) ended.workspace = TRY(runs.workspaces().find(run, stage));
  return ended;
}

}  // namespace stagebox::run
