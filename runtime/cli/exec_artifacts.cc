#include "runtime/cli/exec_artifacts.h"

#include "runtime/base/files.h"
#include "runtime/base/printable.h"
#include "runtime/run/artifact_export.h"
#include "runtime/run/output_capture.h"
#include "runtime/run/stage_spec.h"
#include "sandbox/merged_view.h"

namespace stagebox::cli {
namespace {

using base::RelativePath;
using base::Result;
using base::UniqueFd;

// The path in the workspace of a path in the root.
Result<RelativePath> in_workspace(const std::string& path) {
  const std::string workspace = std::string(run::kWorkspace) + "/";
  if (path.starts_with(workspace)) return RelativePath::parse(path.substr(workspace.size()));
  return base::invalid("\"" + base::printable(path) + "\" is not in the workspace");
}

// The same path, seen from `at`, which contains it.
Result<RelativePath> seen_from(const RelativePath& at, const RelativePath& path) {
  if (at.is_self()) return path;
  if (path == at) return RelativePath();
  return RelativePath::parse(path.str().substr(at.str().size() + 1));
}

}  // namespace

Result<ExecArtifacts> ExecArtifacts::prepare(const ExecOptions& options) {
  ExecArtifacts prepared;
  for (const auto& [path, destination] : options.artifacts) {
    auto parsed = path.starts_with('/') ? in_workspace(path.substr(1)) : RelativePath::parse(path);
    if (!parsed.ok()) return parsed.error().with_context("--artifact");
    if (parsed->is_self())
      return base::invalid("--artifact: name a file or directory in the workspace, not all of it");
    const auto possible = run::check_destination(destination);
    if (!possible.ok()) return possible.error().with_context("--artifact");
    prepared.artifacts_.push_back({std::move(*parsed), destination});
  }
  return prepared;
}

Result<void> ExecArtifacts::add_overlays(const run::LaunchRequest& request) {
  if (artifacts_.empty()) return {};
  std::size_t index = 0;
  for (const sandbox::InputMount& input : request.spec.inputs) {
    if (input.mode != sandbox::InputMount::Mode::kOverlay) continue;
    const std::size_t own = index++;
    const bool all = input.target == run::kWorkspace;
    const auto at = all ? Result<RelativePath>(RelativePath()) : in_workspace(input.target);
    if (!at.ok()) continue;
    overlays_.push_back({*at, own, TRY(base::duplicate(request.inputs.at(input.source).get()))});
  }
  return {};
}

Result<std::vector<UniqueFd>> ExecArtifacts::view(const sandbox::Scratch& scratch) const {
  std::vector<sandbox::CopyOnWrite> directories;
  directories.reserve(overlays_.size());
  for (const Overlay& overlay : overlays_)
    directories.push_back({overlay.index, overlay.lower.get()});
  if (directories.empty()) return std::vector<UniqueFd>();
  return sandbox::merged_views(scratch, directories);
}

// A later mount covers an earlier one.
ExecArtifacts::Place ExecArtifacts::find(const RelativePath& path, int workspace,
                                         const std::vector<UniqueFd>& views) const {
  for (std::size_t i = overlays_.size(); i-- > 0;) {
    if (!overlays_[i].at.contains(path)) continue;
    auto rest = seen_from(overlays_[i].at, path);
    if (rest.ok()) return {views[i].get(), std::move(*rest)};
  }
  return {workspace, path};
}

Result<std::vector<std::string>> ExecArtifacts::take(const run::Finished& finished,
                                                     store::ContentStore& store) const {
  std::vector<std::string> problems;
  const std::vector<UniqueFd> views = TRY(view(finished.scratch));
  for (const Artifact& artifact : artifacts_) {
    const Place place = find(artifact.path, finished.scratch.workspace_fd(), views);
    scheduler::Output output;
    output.name = artifact.path.str();
    output.path = place.path;
    const run::Capture capture = TRY(run::capture_outputs({output}, place.directory, store));
    problems.insert(problems.end(), capture.problems.begin(), capture.problems.end());
    for (const store::StoredOutput& stored : capture.outputs)
      TRY(run::export_artifact(store, stored, run::ExportForm::kTree, artifact.destination));
  }
  return problems;
}

}  // namespace stagebox::cli
