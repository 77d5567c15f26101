#include "scheduler/file/parse_pipeline.h"

#include <utility>

#include "scheduler/file/images_reader.h"
#include "scheduler/file/keys.h"
#include "scheduler/file/stage_reader.h"
#include "scheduler/file/validate.h"
#include "scheduler/file/value_reader.h"
#include "scheduler/yaml/yaml_document.h"

namespace stagebox::scheduler {
namespace {

// False when it makes no sense to read on: another version may mean another language.
bool check_version(const YamlNode& root, Diagnostics& diagnostics) {
  const YamlNode* version = root.find("stagebox");
  if (version == nullptr) {
    diagnostics.add(root.position, "the format version is missing",
                    "write `stagebox: 1` in the first line");
    return true;
  }
  if (version->is_scalar() && version->style == ScalarStyle::kPlain && version->scalar() == "1")
    return true;
  diagnostics.add(version->position, "`stagebox` must be 1, found " + describe(*version),
                  "it is the version of the file format; this Stagebox reads version 1");
  return false;
}

// What belongs to a pipeline from run to run is found by its name, behind that of its project, if
// there is one: nobody can name a pipeline so that it is taken for another project's.
std::string read_own_name(const YamlNode& node, const ValueReader& reader) {
  std::string name = reader.word(node, "`name`").value_or("");
  if (name.find(kProjectSeparator) != std::string::npos)
    reader.diagnostics().add(node.position, "`name` has \"::\" in it",
                             "that stands between a project and the name of its pipeline");
  return name;
}

Pipeline read_pipeline(const YamlNode& root, const ParamOverrides& overrides,
                       FileContext& context) {
  check_keys(root, kPipelineKeys, context.diagnostics);
  Pipeline pipeline;
  pipeline.params = read_params(root.find("params"), overrides, context);
  pipeline.images = read_images(root.find("images"), context);
  const ExpressionValues values(context.params, context.budget);
  const ValueReader reader(context.diagnostics, values);
  if (const YamlNode* name = root.find("name")) pipeline.name = read_own_name(*name, reader);
  if (const YamlNode* timeout = root.find("timeout"))
    pipeline.timeout = reader.duration(*timeout, "`timeout`");
  const YamlNode* defaults = root.find("defaults");
  if (defaults != nullptr && !reader.expect_mapping(*defaults, "`defaults`", "{timeout: 10m}"))
    defaults = nullptr;
  if (defaults != nullptr) check_defaults(*defaults, context);
  if (const YamlNode* stages = root.find("stages"))
    pipeline.stages = read_stages(*stages, defaults, context);
  else
    context.diagnostics.add(root.position, "the pipeline has no `stages`",
                            "write for example `stages: {build: {run: make}}`");
  return pipeline;
}

}  // namespace

std::variant<Pipeline, Diagnostics> parse_pipeline(std::string_view file_name,
                                                   std::string_view bytes,
                                                   const ParamOverrides& overrides,
                                                   const RunFacts& run) {
  Diagnostics diagnostics(file_name);
  const auto document = parse_yaml(bytes, diagnostics);
  if (!document) return diagnostics;
  const YamlNode& root = document->root();
  if (!root.is_mapping()) {
    diagnostics.add(root.position, "a pipeline file must be a mapping, found " + describe(root),
                    "it begins with `stagebox: 1`");
    return diagnostics;
  }
  if (!check_version(root, diagnostics)) return diagnostics;
  FileContext context{.diagnostics = diagnostics};
  context.run.emplace("trust", base::to_string(run.trust));
  Pipeline pipeline = read_pipeline(root, overrides, context);
  validate(pipeline, diagnostics);
  if (!diagnostics.empty()) return diagnostics;
  return pipeline;
}

std::vector<std::string> read_stage_ids(std::string_view bytes) {
  Diagnostics ignored("");
  std::vector<std::string> ids;
  const auto document = parse_yaml(bytes, ignored);
  if (!document || !document->root().is_mapping()) return ids;
  FileContext context{.diagnostics = ignored};
  context.run.emplace("trust", base::to_string(base::Trust::kTrusted));
  for (Stage& stage : read_pipeline(document->root(), {}, context).stages)
    ids.push_back(std::move(stage.id));
  return ids;
}

}  // namespace stagebox::scheduler
