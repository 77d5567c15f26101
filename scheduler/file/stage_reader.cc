#include "scheduler/file/stage_reader.h"

#include <array>
#include <map>

#include "scheduler/file/caches_reader.h"
#include "scheduler/file/command_reader.h"
#include "scheduler/file/condition.h"
#include "scheduler/file/keys.h"
#include "scheduler/file/matrix_reader.h"
#include "scheduler/file/names.h"
#include "scheduler/file/secrets_reader.h"
#include "scheduler/file/service_reader.h"
#include "scheduler/file/stage_io_reader.h"
#include "scheduler/file/stage_settings_reader.h"
#include "scheduler/file/tests_reader.h"
#include "scheduler/file/value_reader.h"

namespace stagebox::scheduler {
namespace {

constexpr std::string_view kStageExample = "build: {run: make}";

class StageReader {
 public:
  StageReader(const YamlEntry& entry, const YamlNode* defaults, const MatrixVariant& variant,
              FileContext& context)
      : node_(*entry.value), nodes_{entry.value, defaults}, context_(context) {
    stage_.name = entry.key->scalar();
    stage_.id = stage_.name + variant.suffix();
    stage_.matrix = variant.values;
    stage_.position = entry.key->position;
  }

  Stage read() &&;

 private:
  void read_parts(const ValueReader& reader);
  void read_run(const YamlNode& node, const ValueReader& reader);
  void read_needs(const YamlNode& node, const ValueReader& reader);
  void read_condition(const YamlNode& node, const ValueReader& reader);

  const YamlNode& node_;
  StageNodes nodes_;
  FileContext& context_;
  Stage stage_;
};

Stage StageReader::read() && {
  check_name(NameKind::kStage, stage_.name, stage_.position, context_.diagnostics);
  if (!node_.is_mapping()) {
    context_.diagnostics.add(
        node_.position,
        "the stage " + backquoted(stage_.id) + " must be a mapping, found " + describe(node_),
        "write for example {run: make}");
    return std::move(stage_);
  }
  const NamedValues env = read_env(nodes_, context_);
  for (const auto& [name, value] : env) stage_.env.emplace(name, value.value_or(""));
  const ExpressionValues values(context_.params, context_.budget, EnvUse::kStage, &env,
                                context_.matrix, &context_.run);
  check_keys(node_, kStageKeys, context_.diagnostics);
  read_settings(nodes_, env, EnvUse::kStage, context_, stage_);
  if (stage_.jobserver && env.contains("MAKEFLAGS"))
    context_.diagnostics.add(
        stage_.position,
        "the stage " + backquoted(stage_.id) + " has a `jobserver` and sets `MAKEFLAGS` itself",
        "remove one of them: the jobserver is what MAKEFLAGS says");
  read_parts(ValueReader(context_.diagnostics, values));
  return std::move(stage_);
}

void StageReader::read_parts(const ValueReader& reader) {
  if (nodes_.find("image") == nullptr)
    context_.diagnostics.add(stage_.position,
                             "the stage " + backquoted(stage_.id) + " has no `image`",
                             "name one of the `images` here or under `defaults`");
  if (const YamlNode* node = node_.find("inputs"))
    stage_.inputs = read_inputs(*node, reader, context_);
  if (const YamlNode* node = node_.find("outputs"))
    stage_.outputs = read_outputs(*node, reader, context_);
  if (const YamlNode* node = node_.find("needs")) read_needs(*node, reader);
  if (const YamlNode* node = node_.find("secrets"))
    stage_.secrets = read_secrets(*node, reader, stage_.env);
  if (const YamlNode* node = node_.find("caches"))
    stage_.caches = read_caches(*node, reader, context_);
  if (const YamlNode* node = node_.find("services"))
    stage_.services = read_services(*node, context_);
  if (const YamlNode* node = node_.find("tests")) stage_.tests = read_tests(*node, reader);
  if (const YamlNode* node = node_.find("coverage")) stage_.coverage = read_coverage(*node, reader);
  if (const YamlNode* node = node_.find("summary")) stage_.summary = read_summary(*node, reader);
  if (const YamlNode* node = node_.find("quarantine")) {
    stage_.quarantine = read_quarantine(*node, reader);
    if (node_.find("tests") == nullptr)
      context_.diagnostics.add(node->position, "`quarantine` needs `tests`",
                               "say where the stage writes which of its test cases failed");
  }
  if (const YamlNode* node = node_.find("when")) {
    stage_.when_position = node->position;
    stage_.when = read_when(*node, reader).value_or(When::kSuccess);
  }
  if (const YamlNode* node = node_.find("if")) read_condition(*node, reader);
  if (const YamlNode* node = node_.find("run"))
    read_run(*node, reader);
  else
    context_.diagnostics.add(stage_.position,
                             "the stage " + backquoted(stage_.id) + " has no `run`",
                             "write what it executes, for example `run: make`");
}

void StageReader::read_run(const YamlNode& node, const ValueReader& reader) {
  auto command = read_command(node, "`run`", stage_.shell, reader);
  if (!command) return;
  stage_.run = std::move(command->command);
  stage_.env.merge(command->variables);
}

void StageReader::read_needs(const YamlNode& node, const ValueReader& reader) {
  if (!reader.expect_sequence(node, "`needs`", "[lint, build]")) return;
  for (const YamlNode* item : node.items()) {
    if (auto name = reader.word(*item, "each of the `needs`", "the name of a stage"))
      stage_.needs.push_back({std::move(*name), item->position});
  }
}

void StageReader::read_condition(const YamlNode& node, const ValueReader& reader) {
  if (!node.is_scalar() || node.is_null()) {
    reader.mismatch(node, "`if`", "a condition",
                    "write for example params.build_type == 'Release'");
    return;
  }
  auto result = evaluate_condition(node.scalar(), reader.values());
  if (const auto* mistakes = std::get_if<std::vector<ExpressionMistake>>(&result))
    reader.report(node, *mistakes);
  else
    stage_.condition = std::get<std::optional<bool>>(result).value_or(true);
}

// The stages that one entry of the file makes.
void read_variants(const YamlEntry& entry, const YamlNode* defaults, FileContext& context,
                   std::vector<Stage>& result) {
  const bool has_matrix = entry.value->is_mapping() && entry.value->find("matrix") != nullptr;
  for (const MatrixVariant& variant : read_matrix(*entry.value, context)) {
    NamedValues values;
    for (const auto& [name, value] : variant.values) values.emplace(name, value);
    // With a mistake in the matrix its names are not known; that was reported.
    const bool unknown = has_matrix && variant.values.empty();
    context.matrix = {has_matrix ? &values : nullptr, unknown};
    result.push_back(StageReader(entry, defaults, variant, context).read());
    result.back().variants_known = !unknown;
    context.matrix = {};
  }
}

// `needs: [test]` means all variants of test.
void expand_needs(std::vector<Stage>& stages) {
  std::map<std::string_view, std::vector<std::string_view>> variants;
  for (const Stage& stage : stages) {
    if (!stage.matrix.empty()) variants[stage.name].push_back(stage.id);
  }
  if (variants.empty()) return;
  for (Stage& stage : stages) {
    std::vector<Need> needs;
    for (Need& need : stage.needs) {
      const auto found = variants.find(need.stage);
      if (found == variants.end()) {
        needs.push_back(std::move(need));
        continue;
      }
      for (const std::string_view id : found->second)
        needs.push_back({std::string(id), need.position});
    }
    stage.needs = std::move(needs);
  }
}

}  // namespace

void check_defaults(const YamlNode& defaults, FileContext& context) {
  check_keys(defaults, kDefaultsKeys, context.diagnostics);
  const StageNodes nodes{nullptr, &defaults};
  Stage scratch;
  context.matrix = {nullptr, true};
  const NamedValues env = read_env(nodes, context);
  read_settings(nodes, env, EnvUse::kUnchecked, context, scratch);
  context.matrix = {};
}

std::vector<Stage> read_stages(const YamlNode& stages, const YamlNode* defaults,
                               FileContext& context) {
  std::vector<Stage> result;
  const ExpressionValues values(context.params, context.budget);
  const ValueReader reader(context.diagnostics, values);
  if (!reader.expect_mapping(stages, "`stages`", kStageExample) ||
      !context.within(stages.entries().size(), FileLimits::kStages, "stages", stages.position))
    return result;
  if (stages.entries().empty())
    context.diagnostics.add(stages.position, "the pipeline has no stages",
                            "write for example `" + std::string(kStageExample) + "`");
  result.reserve(stages.entries().size());
  for (const YamlEntry& entry : stages.entries()) {
    if (entry.duplicate || context.budget.spent()) continue;
    read_variants(entry, defaults, context, result);
    if (!context.within(result.size(), FileLimits::kStages, "stages", entry.key->position)) break;
  }
  expand_needs(result);
  return result;
}

}  // namespace stagebox::scheduler
