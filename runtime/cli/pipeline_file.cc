#include "runtime/cli/pipeline_file.h"

#include <cerrno>
#include <filesystem>

#include "runtime/base/files.h"
#include "scheduler/parse_pipeline.h"

namespace stagebox::cli {
namespace {

constexpr std::size_t kMaxPipelineFile = std::size_t{4} << 20;

}  // namespace

std::string describe_mistakes(const scheduler::Diagnostics& mistakes) {
  std::string text = mistakes.render();
  while (text.ends_with('\n')) text.pop_back();
  return mistakes.file_name() + " has " + std::to_string(mistakes.size()) +
         (mistakes.size() == 1 ? " mistake\n" : " mistakes\n") + text;
}

base::Result<LoadedPipeline> load_pipeline(const PipelineOptions& options) {
  auto bytes = base::read_file(options.file, kMaxPipelineFile);
  if (!bytes.ok()) {
    if (bytes.error().errno_value == ENOENT)
      return base::not_found("there is no pipeline file " + options.file);
    return bytes.error();
  }
  scheduler::ParamOverrides overrides;
  for (const auto& [name, value] : options.params) overrides[name] = value;
  auto parsed = scheduler::parse_pipeline(options.file, *bytes, overrides);
  if (const auto* mistakes = std::get_if<scheduler::Diagnostics>(&parsed))
    return base::invalid(describe_mistakes(*mistakes));
  std::error_code error;
  const std::filesystem::path path =
      std::filesystem::absolute(options.file, error).lexically_normal();
  if (error) return base::system_error("find " + options.file, error.value());
  return LoadedPipeline{std::move(std::get<scheduler::Pipeline>(parsed)), path.string()};
}

}  // namespace stagebox::cli
