#include "runtime/report/provenance.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <ctime>
#include <optional>
#include <string_view>

#include "runtime/base/version.h"
#include "runtime/store/recorded_action.h"
#include "runtime/store/runs/execution.h"

namespace stagebox::report {
namespace {

using base::Digest;
using base::Result;
using nlohmann::json;

constexpr char kBuildType[] = "urn:stagebox:stage:v1";
constexpr char kBuilder[] = "urn:stagebox:engine:local";
/// The digest of a Remote Execution API Directory message, which addresses a whole tree.
constexpr char kTreeDigest[] = "reapiDirectory";

json digest_set(store::OutputKind kind, const Digest& digest) {
  return {{kind == store::OutputKind::kFile ? "sha256" : kTreeDigest, digest.hex()}};
}

// RFC 3339, in UTC.
std::string rfc3339(store::Timestamp at) {
  const std::time_t seconds = std::chrono::system_clock::to_time_t(at);
  const auto rest = at.time_since_epoch() % std::chrono::seconds(1);
  std::tm parts{};
  ::gmtime_r(&seconds, &parts);
  std::string text(32, '\0');
  text.resize(std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%S", &parts));
  const std::string fraction = std::to_string(1000 + rest.count()).substr(1);
  return text + "." + fraction + "Z";
}

const store::StageRow* find_stage(const store::RunDetails& details, const std::string& name) {
  const auto found = std::ranges::find(details.stages, name, &store::StageRow::stage);
  return found == details.stages.end() ? nullptr : &*found;
}

/// The files of a tree, each a subject of its own, so that one of them can be checked alone.
class TreeSubjects {
 public:
  TreeSubjects(const store::ContentStore& content, json& subjects)
      : content_(content), subjects_(subjects) {}

  Result<void> add(const std::string& name, const Digest& root) {
    std::vector<std::pair<std::string, Digest>> pending{{name, root}};
    while (!pending.empty()) {
      const auto [path, digest] = std::move(pending.back());
      pending.pop_back();
      const store::DirectoryListing listing = TRY(content_.read_directory(digest));
      for (const store::FileEntry& file : listing.files) {
        subjects_.push_back({{"name", path + "/" + file.name},
                             {"digest", digest_set(store::OutputKind::kFile, file.digest)}});
      }
      for (const store::DirectoryEntry& directory : listing.directories)
        pending.emplace_back(path + "/" + directory.name, directory.digest);
    }
    return {};
  }

 private:
  const store::ContentStore& content_;
  json& subjects_;
};

Result<json> subjects_of(const store::ContentStore& content, const store::OutputRow& row) {
  const std::string name = row.stage + "." + row.output.name;
  json subjects = json::array();
  subjects.push_back({{"name", name}, {"digest", digest_set(row.output.kind, row.output.digest)}});
  if (row.output.kind == store::OutputKind::kDirectory)
    TRY(TreeSubjects(content, subjects).add(name, row.output.digest));
  return subjects;
}

std::string without_algorithm(const std::string& oci_digest) {
  return oci_digest.substr(oci_digest.find(':') + 1);
}

/// From where a stage's outputs were taken, if it did not run in this run. What a run that was
/// resumed had finished before is its own.
json lineage_of(const store::RunStore& runs, const store::RunDetails& details,
                const store::StageRow& stage) {
  const bool is_cached = !stage.cached_from.empty() && stage.cached_from != details.run.id;
  json lineage{{"stageKey", stage.stage_key ? stage.stage_key->hex() : ""}, {"cached", is_cached}};
  if (!is_cached) return lineage;
  lineage["fromRun"] = stage.cached_from;
  const auto source = runs.find_run(stage.cached_from);
  if (source.ok()) {
    lineage["fromTrust"] = std::string(base::to_string(source->domain.trust()));
    lineage["fromDomain"] = source->domain.name();
  }
  return lineage;
}

/// What the record of a stage says of where its inputs are from; nothing where it says nothing.
json parsed(const std::string& text) { return json::parse(text, nullptr, false); }

std::string text_of(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : "";
}

/// Inputs that are outputs of stages of the same run say so, with where those came from. What only
/// has the same content as an output is none.
json input_of(const ProvenanceSources& sources, const store::RunDetails& details,
              const json& taken_from, const store::ActionInput& input) {
  json dependency{{"name", "input:" + input.path},
                  {"digest", digest_set(input.kind, input.digest)}};
  if (!taken_from.is_object()) return dependency;
  const std::string output = text_of(taken_from, input.path.c_str());
  // Names of outputs have no dot, those of stages may.
  const store::StageRow* producer = find_stage(details, output.substr(0, output.rfind('.')));
  if (producer == nullptr) return dependency;
  dependency["annotations"] = {{"output", output},
                               {"cache", lineage_of(sources.runs, details, *producer)}};
  return dependency;
}

/// Of the stage and of its services, as the stage key has them.
void add_images(const store::ActionView& action, json& dependencies) {
  constexpr std::string_view kService = "service:";
  constexpr std::string_view kImage = ":image";
  const auto add = [&](const std::string& name, const std::string& digest) {
    dependencies.push_back({{"name", name}, {"digest", {{"sha256", without_algorithm(digest)}}}});
  };
  const auto image = action.platform.find("container-image");
  if (image != action.platform.end()) add("image", image->second);
  for (const auto& [name, value] : action.platform) {
    const std::size_t colon = name.find(':', kService.size());
    if (!name.starts_with(kService) || colon == std::string::npos) continue;
    if (name.substr(colon) == kImage) add("image of " + name.substr(0, colon), value);
  }
}

/// What was in the stage's caches when it began.
void add_caches(const std::string& exit_report, json& dependencies) {
  const json report = parsed(exit_report);
  if (!report.is_object() || !report.contains("caches")) return;
  for (const json& cache : report["caches"]) {
    const std::string root = text_of(cache, "restored_root");
    if (root.empty()) continue;
    dependencies.push_back({{"name", "cache:" + text_of(cache, "path")},
                            {"digest", {{kTreeDigest, root}}},
                            {"annotations",
                             {{"key", text_of(cache, "restored_key")},
                              {"savedBy", text_of(cache, "restored_run")},
                              {"domain", text_of(cache, "restored_domain")}}}});
  }
}

json dependencies_of(const ProvenanceSources& sources, const store::RunDetails& details,
                     const store::StageRow& stage, const store::Execution& execution,
                     const store::ActionView& action) {
  json dependencies = json::array();
  add_images(action, dependencies);
  const json taken_from = parsed(stage.taken_from);
  for (const store::ActionInput& input : action.inputs)
    dependencies.push_back(input_of(sources, details, taken_from, input));
  add_caches(execution.exit_report, dependencies);
  return dependencies;
}

json definition_of(const ProvenanceSources& sources, const store::RunDetails& details,
                   const store::StageRow& stage, const store::Execution& execution,
                   const store::ActionView& action, const Parameters& parameters) {
  json external{{"pipeline", details.run.pipeline},
                {"file", details.run.file},
                {"stage", stage.stage},
                {"arguments", action.arguments},
                {"environment", action.environment},
                {"workingDirectory", action.working_directory},
                {"outputPaths", action.output_paths},
                {"platform", action.platform},
                {"parameters", json::object()}};
  for (const auto& [name, value] : parameters) external["parameters"][name] = value;
  return {{"buildType", kBuildType},
          {"externalParameters", external},
          {"internalParameters",
           {{"trust", std::string(base::to_string(details.run.domain.trust()))},
            {"domain", details.run.domain.name()},
            {"salt", action.salt},
            {"cache", lineage_of(sources.runs, details, stage)}}},
          {"resolvedDependencies", dependencies_of(sources, details, stage, execution, action)}};
}

/// The messages of a stage key are kept where it ran; a result of another domain was found under a
/// key of that domain, which differs in the salt alone. A record that is older than that key's
/// column has it where the stage ran.
Result<store::ActionView> action_of(const store::DecisionStore& decisions,
                                    const store::StageRow& stage,
                                    const store::Execution& execution) {
  for (const auto& key : {stage.stage_key, stage.cached_key, execution.stage_key}) {
    if (!key) continue;
    const std::vector<std::string> messages = TRY(decisions.messages(*key));
    if (!messages.empty()) return store::view_action({*key, messages});
  }
  return base::not_found("what " + stage.stage +
                         " was made from is not on record any more; run it " +
                         "again with --no-cache=" + stage.stage + " to have it recorded");
}

json run_details_of(const store::Execution& execution) {
  const std::string stage = execution.stage.empty() ? "" : "/" + execution.stage;
  json metadata{{"invocationId", execution.run_id + stage}};
  if (execution.started_at) metadata["startedOn"] = rfc3339(*execution.started_at);
  if (execution.ended_at) metadata["finishedOn"] = rfc3339(*execution.ended_at);
  return {{"builder", {{"id", kBuilder}, {"version", {{"stagebox", base::kVersion}}}}},
          {"metadata", metadata}};
}

}  // namespace

Result<std::string> provenance_of(const ProvenanceSources& sources,
                                  const store::RunDetails& details, const store::OutputRow& output,
                                  const Parameters& parameters) {
  const store::StageRow* stage = find_stage(details, output.stage);
  if (stage == nullptr) return base::not_found("the stage " + output.stage + " is not on record");
  // Nothing says that its inputs make it: the stage could not do what it was to do.
  if (!store::has_succeeded(stage->state))
    return base::invalid("the stage " + output.stage +
                         " did not succeed, so what it left has no provenance");
  const store::Execution execution = TRY(store::execution_of(sources.runs, details, *stage));
  const store::ActionView action = TRY(action_of(sources.decisions, *stage, execution));
  const json statement{
      {"_type", "https://in-toto.io/Statement/v1"},
      {"subject", TRY(subjects_of(sources.content, output))},
      {"predicateType", "https://slsa.dev/provenance/v1"},
      {"predicate",
       {{"buildDefinition", definition_of(sources, details, *stage, execution, action, parameters)},
        {"runDetails", run_details_of(execution)}}}};
  return statement.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

}  // namespace stagebox::report
