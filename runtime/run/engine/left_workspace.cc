#include "runtime/run/engine/left_workspace.h"

#include <algorithm>
#include <string>

#include "runtime/base/files.h"
#include "runtime/run/stage/stage_command.h"
#include "sandbox/merged_view.h"

namespace stagebox::run {
namespace {

using base::RelativePath;
using base::Result;
using base::UniqueFd;

// Where a mount is in the workspace; none when it is somewhere else.
Result<std::optional<RelativePath>> in_workspace(const std::string& target) {
  const std::string workspace(kWorkspace);
  if (target == workspace) return std::optional(RelativePath());
  if (!target.starts_with(workspace + "/")) return std::optional<RelativePath>();
  return std::optional(TRY(RelativePath::parse(target.substr(workspace.size() + 1))));
}

// The same path, seen from `at`, which contains it.
RelativePath seen_from(const RelativePath& at, const RelativePath& path) {
  if (at.is_self()) return path;
  if (path == at) return {};
  // A part of a path is one.
  return RelativePath::parse(path.str().substr(at.str().size() + 1)).value();
}

}  // namespace

WorkspaceView::Place WorkspaceView::find(const RelativePath& path) const {
  for (std::size_t i = mounted.size(); i-- > 0;) {
    const Mounted& mount = mounted[i];
    if (mount.at.contains(path)) return {mount.directory, mount.at, seen_from(mount.at, path)};
  }
  return {directory, {}, path};
}

Result<CopyOnWriteMounts> CopyOnWriteMounts::of(const LaunchRequest& request) {
  CopyOnWriteMounts found;
  for (const sandbox::InputMount& input : request.spec.inputs) {
    if (input.mode != sandbox::InputMount::Mode::kOverlay) continue;
    found.mounts_.push_back({TRY(in_workspace(input.target)),
                             TRY(base::duplicate(request.inputs.at(input.source).get()))});
  }
  return found;
}

Result<WorkspaceView> LeftWorkspace::view_for(const std::vector<RelativePath>& paths) {
  WorkspaceView view{scratch_.workspace_fd()};
  const auto is_needed = [&](const CopyOnWriteMounts::Mount& mount) {
    return mount.at && std::ranges::any_of(paths, [&](const RelativePath& path) {
             return mount.at->contains(path);
           });
  };
  if (std::ranges::none_of(mounts_.mounts_, is_needed)) return view;
  for (std::size_t i = 0; i < mounts_.mounts_.size(); ++i) {
    const CopyOnWriteMounts::Mount& mount = mounts_.mounts_[i];
    if (mount.at) view.mounted.push_back({*mount.at, TRY(view_of(i))});
  }
  return view;
}

Result<WorkspaceView> LeftWorkspace::view_for(const std::vector<scheduler::Output>& outputs) {
  std::vector<RelativePath> paths;
  paths.reserve(outputs.size());
  for (const scheduler::Output& output : outputs) paths.push_back(output.path);
  return view_for(paths);
}

Result<int> LeftWorkspace::view_of(std::size_t overlay_index) {
  const auto& made = views();
  if (!made.ok()) return made.error();
  return made->at(overlay_index).get();
}

const Result<std::vector<UniqueFd>>& LeftWorkspace::views() {
  if (views_) return *views_;
  std::vector<sandbox::CopyOnWrite> directories;
  for (std::size_t i = 0; i < mounts_.mounts_.size(); ++i)
    directories.push_back({i, mounts_.mounts_[i].lower.get()});
  return views_.emplace(sandbox::merged_views(scratch_, directories));
}

}  // namespace stagebox::run
