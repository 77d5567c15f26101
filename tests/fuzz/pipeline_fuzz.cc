// Fuzzes parse_pipeline(): whatever the bytes are, it answers; every mistake that it reports lies
// inside of the file and can be shown on a terminal; and what it accepts is a pipeline as
// pipeline.h promises it: paths stay inside, edges lead somewhere, no value is in a script.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "scheduler/file/parse_pipeline.h"
#include "scheduler/graph.h"
#include "scheduler/plan.h"
#include "scheduler/yaml/source_text.h"

namespace {

using namespace stagebox::scheduler;

// Not assert(): it must hold in release builds too.
void require(bool condition) {
  if (!condition) std::abort();
}

void check_mistakes(const Diagnostics& mistakes, std::string_view bytes) {
  require(!mistakes.empty());
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  const SourceText source(bytes);
  for (const Diagnostic& mistake : mistakes.sorted()) {
    require(!mistake.message.empty());
    if (mistake.position.known()) require(source.clamp(mistake.position) == mistake.position);
    require(escape_controls(mistake.message) == mistake.message);
    require(escape_controls(mistake.hint) == mistake.hint);
  }
}

void check_stage(const Pipeline& pipeline, const Stage& stage) {
  require(pipeline.find_image(stage.image) != nullptr);
  for (const Input& input : stage.inputs) {
    require(!input.at.is_self());
    for (const Output& output : stage.outputs) require(!output.path.contains(input.at));
  }
  for (const Output& output : stage.outputs) require(!output.path.is_self());
  require(std::ranges::includes(stage.mutex, stage.mutex_across_runs));
  const AllowFailure& allowed = stage.allow_failure;
  require((allowed.which == AllowFailure::Which::kExitCodes) != allowed.exit_codes.empty());
  for (const int code : allowed.exit_codes) require(code >= 1 && code <= 255);
  for (const Cache& cache : stage.caches) {
    require(!cache.path.is_self() && !cache.key.empty());
    for (const Input& input : stage.inputs)
      require(!cache.path.contains(input.at) && !input.at.contains(cache.path));
    for (const Output& output : stage.outputs)
      require(!cache.path.contains(output.path) && !output.path.contains(cache.path));
    for (const KeyPart& part : cache.key) require(part.text.empty() != part.hash.empty());
    for (const CacheKey& prefix : cache.restore) require(!prefix.empty());
  }
  if (const auto* script = std::get_if<Script>(&stage.run)) {
    require(!script->text.empty());
    require(script->text.find("${{") == std::string::npos);
  } else {
    require(!std::get<Argv>(stage.run).arguments.empty());
  }
}

void check_pipeline(const Pipeline& pipeline) {
  require(!pipeline.stages.empty());
  for (const Stage& stage : pipeline.stages) check_stage(pipeline, stage);
  const auto plan = make_plan(pipeline);
  require(plan.ok());
  require(plan->order().size() == pipeline.stages.size());
  for (const auto format :
       {GraphFormat::kText, GraphFormat::kDot, GraphFormat::kMermaid, GraphFormat::kJson})
    require(!render_graph(*plan, pipeline.name, format).empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto parsed = parse_pipeline("fuzz.yaml", bytes, {{"type", "../x"}});
  const bool has_stages = !read_stage_ids(bytes).empty();
  if (const auto* mistakes = std::get_if<Diagnostics>(&parsed)) {
    check_mistakes(*mistakes, bytes);
  } else {
    check_pipeline(std::get<Pipeline>(parsed));
    require(has_stages);
  }
  return 0;
}
