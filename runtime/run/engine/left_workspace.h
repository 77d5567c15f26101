// LeftWorkspace: the workspace of a dead sandbox, as the stage saw it. What a stage wrote below a
// copy-on-write mount (an input, a cache) is not in the workspace's directory, but in an upper
// directory of the mount's own.
#pragma once

#include <optional>
#include <vector>

#include "runtime/base/relative_path.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/run/engine/launcher.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// Where things of a workspace are to be opened; the descriptors are somebody else's.
struct WorkspaceView {
  struct Mounted {
    base::RelativePath at;  ///< In the workspace.
    int directory = -1;
  };
  int directory = -1;
  std::vector<Mounted> mounted = {};  ///< A later one covers an earlier one.

  struct Place {
    int directory = -1;
    base::RelativePath at;    ///< Of `directory` in the workspace.
    base::RelativePath path;  ///< In `directory`.
  };
  [[nodiscard]] Place find(const base::RelativePath& path) const;
};

/// The copy-on-write mounts of a request, remembered before it is launched.
class CopyOnWriteMounts {
 public:
  static base::Result<CopyOnWriteMounts> of(const LaunchRequest& request);

 private:
  friend class LeftWorkspace;
  struct Mount {
    std::optional<base::RelativePath> at;  ///< In the workspace, if it is there.
    base::UniqueFd lower;
  };
  std::vector<Mount> mounts_;  ///< By Scratch::overlay_upper.
};

class LeftWorkspace {
 public:
  /// Of a sandbox that is dead; both outlive it. Nothing is mounted before it is needed.
  LeftWorkspace(const sandbox::Scratch& scratch, const CopyOnWriteMounts& mounts)
      : scratch_(scratch), mounts_(mounts) {}

  /// The workspace itself, without what was mounted in it; the scratch directory's.
  [[nodiscard]] int directory() const { return scratch_.workspace_fd(); }
  /// For all of `paths`, as long as this lives.
  base::Result<WorkspaceView> view_for(const std::vector<base::RelativePath>& paths);
  base::Result<WorkspaceView> view_for(const std::vector<scheduler::Output>& outputs);
  /// What the mount with this index came to.
  base::Result<int> view_of(std::size_t overlay_index);

 private:
  const base::Result<std::vector<base::UniqueFd>>& views();

  const sandbox::Scratch& scratch_;
  const CopyOnWriteMounts& mounts_;
  /// All at once: it can be done only once (sandbox/merged_view.h).
  std::optional<base::Result<std::vector<base::UniqueFd>>> views_;
};

}  // namespace stagebox::run
