// A sandbox like that of a stage which has ended, with its files, for a person to look around in:
// what `stagebox shell` launches.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "images/image_store.h"
#include "runtime/base/result.h"
#include "runtime/run/engine/launcher.h"
#include "runtime/run/secrets/secrets.h"
#include "runtime/run/stage/recorded_stage.h"
#include "runtime/store/content/content_store.h"

namespace stagebox::run {

/// What the sandbox's workspace begins with.
enum class ShellFiles {
  kAsLeft,   ///< What the stage left, if that was kept; else as below.
  kAsBegun,  ///< The stage's inputs and nothing else.
};

struct ShellPlan {
  std::vector<ResolvedInput> inputs;  ///< Mounted in this order.
  bool is_as_left = false;
  std::vector<std::string> notes;  ///< Sentences for people: what is not as it was.
};

/// Which stored content is mounted. What the stage left is the lower directory of a copy-on-write
/// workspace; an input whose place in it the stage took away is left out. kNotFound when content of
/// an input is not stored any more.
base::Result<ShellPlan> plan_shell(const EndedStage& stage, ShellFiles files,
                                   const store::ContentStore& content);

struct ShellSandbox {
  LaunchRequest request;              ///< Without standard streams.
  std::vector<ResolvedInput> copied;  ///< For copy_overlay_files().
};

/// The stage's user, environment, limits and network, and `command` instead of its own. `secrets`
/// has those that were asked for, each of which the stage declares. `image` is the stage's and
/// outlives the request.
base::Result<ShellSandbox> make_shell_sandbox(
    const EndedStage& stage, const ShellPlan& plan, std::vector<std::string> command,
    const images::UsableImage& image, const Secrets& secrets, const Permit& permit,
    const store::ContentStore& content, std::uint32_t id_count,
    std::shared_ptr<const sandbox::SeccompProgram> seccomp);

}  // namespace stagebox::run
