// ExecArtifacts: what `exec` keeps of the files that its command made in the workspace.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "runtime/base/relative_path.h"
#include "runtime/base/result.h"
#include "runtime/cli/command_line/options.h"
#include "runtime/run/engine/launcher.h"
#include "runtime/run/engine/left_workspace.h"
#include "runtime/run/secrets/secrets.h"
#include "runtime/store/content/content_store.h"
#include "runtime/store/home.h"

namespace stagebox::cli {

/// The host's files are never written by a sandbox: when it is dead, files and directories are
/// captured as a stage's outputs are (run/output_capture.h) and copied to where the user wants
/// them.
class ExecArtifacts {
 public:
  /// kInvalid for a path that is not in the workspace, and for a destination that exists or cannot
  /// be made: better now than after the command.
  static base::Result<ExecArtifacts> prepare(const ExecOptions& options);
  [[nodiscard]] bool empty() const { return artifacts_.empty(); }

  /// Copy-on-write mounts in the workspace hold files too; before the request is launched.
  base::Result<void> add_overlays(const run::LaunchRequest& request);

  /// Copies what is there, and tells what is wrong with the rest: it is missing, a link, a device,
  /// or contains one of `secrets`, the command's own. kCancelled when it is stopped.
  [[nodiscard]] base::Result<std::vector<std::string>> take(const run::Finished& finished,
                                                            const store::Home& home,
                                                            store::ContentStore& store,
                                                            const run::Secrets& secrets,
                                                            const std::stop_token& stop) const;

 private:
  struct Artifact {
    base::RelativePath path;  ///< In the workspace.
    std::string destination;
  };
  std::vector<Artifact> artifacts_;
  run::CopyOnWriteMounts mounts_;
};

}  // namespace stagebox::cli
