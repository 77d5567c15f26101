#include "runtime/cli/secret_options.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "runtime/base/printable.h"
#include "runtime/run/engine/secret_delivery.h"
#include "scheduler/diagnostics.h"
#include "scheduler/file/names.h"
#include "scheduler/nearest_name.h"

namespace stagebox::cli {
namespace {

using base::Result;
using run::SecretSource;
using run::SecretSources;

// Whoever writes NAME=env:$TOKEN gives the secret for the name of its variable: that is shown only
// where it says nothing new.
run::SecretVariable variable_of(const std::string& secret, std::string variable) {
  const std::string told = variable == secret
                               ? "the variable " + secret
                               : "the variable that --secret " + secret + "=env:... names";
  return {std::move(variable), told};
}

// No text of --secret is shown that is not what it should be: it may be the secret itself.
Result<SecretSource> parse_source(const std::string& name, const std::string& text) {
  constexpr std::string_view kVariable = "env:";
  constexpr std::string_view kFile = "file:";
  if (text == "stdin") return SecretSource(run::SecretInput());
  if (text.starts_with(kVariable) && text.size() > kVariable.size())
    return SecretSource(variable_of(name, text.substr(kVariable.size())));
  if (text.starts_with(kFile) && text.size() > kFile.size())
    return SecretSource(run::SecretFile{text.substr(kFile.size())});
  return base::invalid(
      "--secret: write NAME=env:VAR, NAME=file:PATH or NAME=stdin; a value does not belong on a "
      "command line, where everybody can read it");
}

Result<void> add_source(SecretSources& sources, const std::string& name, SecretSource source) {
  const auto is_input = [](const SecretSource& one) {
    return std::holds_alternative<run::SecretInput>(one);
  };
  const bool taken = std::ranges::any_of(
      sources, [&](const auto& other) { return other.first != name && is_input(other.second); });
  if (taken && is_input(source)) {
    return base::invalid(
        "--secret: stdin was given twice, and holds one secret; use NAME=env:VAR or "
        "NAME=file:PATH for the other");
  }
  if (!sources.emplace(name, std::move(source)).second)
    return base::invalid("--secret " + base::printable(name) + " was given twice");
  return {};
}

Result<SecretSources> parse_sources(const std::vector<std::pair<std::string, std::string>>& given) {
  SecretSources sources;
  for (const auto& [name, text] : given) {
    SecretSource source = TRY(parse_source(name, text));
    TRY(add_source(sources, name, std::move(source)));
  }
  return sources;
}

// As in a pipeline file: it is the name of a file in the sandbox.
Result<void> check_name(const std::string& name) {
  scheduler::Diagnostics mistakes("--secret");
  if (scheduler::check_name(scheduler::NameKind::kSecret, name, {}, mistakes)) return {};
  return base::invalid(
      "--secret: write NAME, NAME=env:VAR, NAME=file:PATH or NAME=stdin; the name of a secret has "
      "letters, digits and \"_\" only, at most 64, and no digit first");
}

// What may have been meant by a name that is not shown: it may be the secret itself.
std::string others(const std::string& name, const std::vector<std::string_view>& known) {
  if (known.empty()) return ": it has none";
  const std::string hint = scheduler::name_hint(name, known);
  return hint.empty() ? "" : "; " + hint;
}

std::vector<std::string_view> declared_by(const scheduler::Stage& stage) {
  std::vector<std::string_view> names;
  for (const scheduler::StageSecret& secret : stage.secrets) names.push_back(secret.name);
  return names;
}

// A misspelt name would go unnoticed otherwise.
Result<void> check_declared(const SecretSources& sources, const scheduler::Pipeline& pipeline) {
  std::set<std::string> declared;
  for (const scheduler::Stage& stage : pipeline.stages) declared.merge(stage.secret_names());
  for (const auto& [name, source] : sources) {
    if (!declared.contains(name))
      return base::invalid("--secret " + base::printable(name) + ": no stage declares it");
  }
  return {};
}

Result<SecretSources> needed_sources(const SecretSources& given, const run::Policy& policy,
                                     const scheduler::Plan& plan) {
  SecretSources needed;
  std::string missing;
  for (const scheduler::PlannedStage& planned : plan.stages()) {
    if (!planned.stage.condition) continue;
    for (const std::string& name : planned.stage.secret_names()) {
      const auto own = given.find(name);
      const auto runners = policy.secret_sources().find(name);
      if (own != given.end()) {
        needed.insert(*own);
      } else if (runners != policy.secret_sources().end()) {
        needed.insert(*runners);
      } else {
        missing.append(missing.empty() ? "stage " : "\nstage ").append(planned.stage.id);
        missing.append(": nobody gave the secret ").append(name);
        missing.append("; use --secret ").append(name).append("=env:VAR or =file:PATH");
      }
    }
  }
  if (!missing.empty()) return base::invalid(std::move(missing));
  return needed;
}

// What a stage would fail of, before any runs.
Result<void> check_variables(const scheduler::Plan& plan, const run::Secrets& secrets) {
  for (const scheduler::PlannedStage& planned : plan.stages()) {
    const scheduler::Stage& stage = planned.stage;
    if (!stage.condition) continue;
    for (const scheduler::StageSecret& secret : stage.secrets)
      TRY(run::check_variable(secret, secrets));
    for (const scheduler::Service& service : stage.services) {
      for (const scheduler::StageSecret& secret : service.secrets)
        TRY(run::check_variable(secret, secrets));
    }
  }
  return {};
}

// Commands and variables are in the store, the record of the run and its reports, in plain.
class ValueSearch {
 public:
  explicit ValueSearch(const run::Secrets& secrets) : secrets_(secrets) {}

  Result<void> look_at(const std::string& what, const std::string& text) const {
    const auto found = secrets_.find_in(text);
    if (!found) return {};
    std::string message = what;
    message.append(" contains the secret ").append(*found);
    message.append(", which would be stored and shown with it; let the command read the file ");
    message.append("/run/secrets/").append(*found).append(", or ask for a variable");
    return base::invalid(std::move(message));
  }
  Result<void> look_at(const std::string& what,
                       const std::map<std::string, std::string>& env) const {
    for (const auto& [name, value] : env)
      TRY(look_at(std::string(what).append(": the variable ").append(name), value));
    return {};
  }
  Result<void> look_at(const std::string& what, const scheduler::Argv& command) const {
    for (const std::string& argument : command.arguments)
      TRY(look_at(what + ": its command", argument));
    return {};
  }
  Result<void> look_at(const scheduler::Stage& stage) const {
    const std::string what = "stage " + stage.id;
    if (const auto* script = std::get_if<scheduler::Script>(&stage.run))
      TRY(look_at(what + ": its command", script->text));
    else
      TRY(look_at(what, std::get<scheduler::Argv>(stage.run)));
    TRY(look_at(what, stage.env));
    for (const scheduler::Service& service : stage.services) {
      const std::string which = what + ": service " + service.name;
      if (service.run) TRY(look_at(which, *service.run));
      TRY(look_at(which, service.env));
      if (const auto* check = std::get_if<scheduler::Argv>(&service.ready.check))
        TRY(look_at(which + ": ready", *check));
    }
    return look_at_settings(what, stage);
  }

 private:
  // They are in the stage key, in messages, or both.
  Result<void> look_at_settings(const std::string& what, const scheduler::Stage& stage) const {
    TRY(look_at(what + ": its salt", stage.salt));
    TRY(look_at(what + ": its workdir", stage.workdir.str()));
    TRY(look_at(what + ": its network", stage.network.text()));
    for (const std::string& name : stage.mutex) TRY(look_at(what + ": its mutex", name));
    for (const std::string& name : stage.quarantine) TRY(look_at(what + ": its quarantine", name));
    for (const scheduler::Input& input : stage.inputs)
      TRY(look_at(what + ": the path of an input", input.at.str()));
    for (const scheduler::Output& output : stage.outputs)
      TRY(look_at(what + ": the path of an output", output.path.str()));
    for (const auto* declared : {&stage.tests, &stage.coverage, &stage.summary}) {
      for (const scheduler::DeclaredReports& reports : *declared)
        TRY(look_at(what + ": the path of a " + std::string(reports.noun()),
                    reports.pattern.str()));
    }
    return {};
  }

  const run::Secrets& secrets_;
};

Result<void> check_in_no_text(const scheduler::Pipeline& pipeline, const scheduler::Plan& plan,
                              const run::Secrets& secrets) {
  const ValueSearch search(secrets);
  for (const scheduler::Param& param : pipeline.params)
    TRY(search.look_at("the parameter " + param.name, param.value));
  for (const scheduler::PlannedStage& planned : plan.stages()) TRY(search.look_at(planned.stage));
  return {};
}

}  // namespace

Result<run::Secrets> load_secrets(const std::vector<std::pair<std::string, std::string>>& given,
                                  const run::Policy& policy, const scheduler::Pipeline& pipeline,
                                  const scheduler::Plan& plan, bool only_check) {
  // Of a stage that runs and declares one, the permit was refused.
  if (!given.empty() && policy.trust() == base::Trust::kUntrusted) {
    return base::invalid(
        "--secret: to have secrets is not permitted by the rule untrusted.secrets (built in); no "
        "policy can permit it. No stage that runs declares one: leave the option out");
  }
  const SecretSources sources = TRY(parse_sources(given));
  TRY(check_declared(sources, pipeline));
  if (only_check) return run::Secrets();
  const SecretSources needed = TRY(needed_sources(sources, policy, plan));
  run::Secrets secrets = TRY(run::Secrets::load(needed));
  TRY(check_variables(plan, secrets));
  TRY(check_in_no_text(pipeline, plan, secrets));
  return secrets;
}

Result<void> check_asked_of(const std::vector<std::pair<std::string, std::string>>& asked,
                            const scheduler::Stage& stage) {
  for (const auto& [name, text] : asked) {
    const auto found = std::ranges::find(stage.secrets, name, &scheduler::StageSecret::name);
    if (found == stage.secrets.end())
      return base::invalid("--secret: the stage declares no secret of that name" +
                           others(name, declared_by(stage)));
  }
  return {};
}

Result<run::Secrets> load_asked_secrets(
    const std::vector<std::pair<std::string, std::string>>& asked, const run::Policy& policy) {
  SecretSources sources;
  for (const auto& [name, text] : asked) {
    TRY(check_name(name));
    const auto runners = policy.secret_sources().find(name);
    if (text.empty() && runners == policy.secret_sources().end()) {
      return base::invalid("--secret: the policy has no secret of that name" +
                           others(name, scheduler::names_of(policy.secret_sources())) +
                           "; use NAME=env:VAR or =file:PATH");
    }
    SecretSource source = text.empty() ? runners->second : TRY(parse_source(name, text));
    TRY(add_source(sources, name, std::move(source)));
  }
  return run::Secrets::load(sources);
}

}  // namespace stagebox::cli
