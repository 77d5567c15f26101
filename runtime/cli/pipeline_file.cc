#include "runtime/cli/pipeline_file.h"

#include <fcntl.h>

#include <cerrno>
#include <filesystem>

#include "runtime/base/files.h"
#include "runtime/base/unique_fd.h"
#include "runtime/base/units.h"
#include "scheduler/file/parse_pipeline.h"

namespace stagebox::cli {
namespace {

constexpr std::size_t kMaxPipelineFile = std::size_t{4} << 20;

using base::Result;

Result<std::string> read_beneath(const std::filesystem::path& path) {
  const std::string directory = path.has_parent_path() ? path.parent_path().string() : ".";
  const base::UniqueFd dir = TRY(base::open_path(directory, O_RDONLY | O_DIRECTORY));
  const auto file = base::open_beneath(dir.get(), path.filename().string(), O_RDONLY | O_NONBLOCK,
                                       base::Links::kFollowBeneath);
  if (file.ok()) return base::read_all(file->get(), kMaxPipelineFile);
  if (file.error().errno_value != EXDEV) return file.error();
  return base::invalid("the pipeline file " + path.string() +
                       " leads out of its directory by a link: that of an untrusted run comes from "
                       "its directory only, and no policy can permit more");
}

Result<std::string> read_bytes(const std::string& path, base::Trust trust) {
  auto bytes =
      trust == base::Trust::kTrusted ? base::read_file(path, kMaxPipelineFile) : read_beneath(path);
  if (!bytes.ok() && bytes.error().errno_value == ENOENT)
    return base::not_found("there is no pipeline file " + path);
  return bytes;
}

}  // namespace

std::string describe_mistakes(const scheduler::Diagnostics& mistakes) {
  std::string text = mistakes.render();
  while (text.ends_with('\n')) text.pop_back();
  return mistakes.file_name() + " has " + base::counted(mistakes.size(), "mistake") + "\n" + text;
}

Result<std::vector<std::string>> load_stage_ids(const std::string& file) {
  return scheduler::read_stage_ids(TRY(read_bytes(file, base::Trust::kTrusted)));
}

Result<std::variant<LoadedPipeline, scheduler::Diagnostics>> read_pipeline(
    const PipelineOptions& options, base::Trust trust) {
  using Read = std::variant<LoadedPipeline, scheduler::Diagnostics>;
  const std::string bytes = TRY(read_bytes(options.file, trust));
  scheduler::ParamOverrides overrides;
  for (const auto& [name, value] : options.params) overrides[name] = value;
  auto parsed = scheduler::parse_pipeline(options.file, bytes, overrides, {trust});
  if (auto* mistakes = std::get_if<scheduler::Diagnostics>(&parsed))
    return Read(std::move(*mistakes));
  std::error_code error;
  const std::filesystem::path path =
      std::filesystem::absolute(options.file, error).lexically_normal();
  if (error) return base::system_error("find " + options.file, error.value());
  return Read(LoadedPipeline{std::move(std::get<scheduler::Pipeline>(parsed)), path.string()});
}

Result<LoadedPipeline> load_pipeline(const PipelineOptions& options, base::Trust trust) {
  auto read = TRY(read_pipeline(options, trust));
  if (const auto* mistakes = std::get_if<scheduler::Diagnostics>(&read))
    return base::invalid(describe_mistakes(*mistakes));
  return std::move(std::get<LoadedPipeline>(read));
}

}  // namespace stagebox::cli
