#include "runtime/cli/exec_artifacts.h"

#include "runtime/base/printable.h"
#include "runtime/run/output_capture.h"
#include "runtime/run/secret_leak.h"
#include "runtime/run/stage/stage_spec.h"
#include "runtime/run/state/artifact_export.h"

namespace stagebox::cli {
namespace {

using base::RelativePath;
using base::Result;

// The path in the workspace of a path in the root.
Result<RelativePath> in_workspace(const std::string& path) {
  const std::string workspace = std::string(run::kWorkspace) + "/";
  if (path.starts_with(workspace)) return RelativePath::parse(path.substr(workspace.size()));
  return base::invalid("\"" + base::printable(path) + "\" is not in the workspace");
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
  if (!artifacts_.empty()) mounts_ = TRY(run::CopyOnWriteMounts::of(request));
  return {};
}

Result<std::vector<std::string>> ExecArtifacts::take(const run::Finished& finished,
                                                     const store::Home& home,
                                                     store::ContentStore& store,
                                                     const run::Secrets& secrets,
                                                     const std::stop_token& stop) const {
  std::vector<std::string> problems;
  run::LeftWorkspace left(finished.scratch, mounts_);
  std::vector<RelativePath> paths;
  paths.reserve(artifacts_.size());
  for (const Artifact& artifact : artifacts_) paths.push_back(artifact.path);
  const run::WorkspaceView workspace = TRY(left.view_for(paths));
  for (const Artifact& artifact : artifacts_) {
    scheduler::Output output;
    output.name = artifact.path.str();
    output.path = artifact.path;
    if (!secrets.empty()) {
      const auto leaks = TRY(run::find_secrets({output}, workspace, secrets.automaton(),
                                               run::kDefaultMaxOutputFiles, stop));
      problems.insert(problems.end(), leaks.begin(), leaks.end());
      if (!leaks.empty()) continue;
    }
    const run::Capture capture =
        TRY(run::capture_outputs({output}, workspace, store, {.stop = stop}));
    problems.insert(problems.end(), capture.problems.begin(), capture.problems.end());
    for (const store::StoredOutput& stored : capture.outputs)
      TRY(run::export_artifact(home, store, stored, run::ExportForm::kTree, artifact.destination));
  }
  return problems;
}

}  // namespace stagebox::cli
