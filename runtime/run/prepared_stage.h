// PreparedStage: what is known of a stage before it is decided whether it has to run.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/run/run_context.h"
#include "runtime/run/stage/image_provider.h"
#include "runtime/run/stage/stage_command.h"
#include "runtime/run/stage/stage_inputs.h"
#include "runtime/run/stage/stage_services.h"
#include "runtime/run/stage/user_table.h"
#include "runtime/run/stage_cache.h"
#include "runtime/store/content/content_types.h"

namespace stagebox::run {

struct PreparedStage {
  std::shared_ptr<const OpenImage> image;
  std::vector<ResolvedInput> inputs;
  std::vector<PreparedService> services;
  ResolvedUser user;
  StageCommand command;
  StageKeys keys;
  std::vector<std::string> messages;  ///< What the key is the digest of.

  /// Whose its files are inside.
  [[nodiscard]] store::StageIds ids() const { return {user.ids.uid, user.ids.gid}; }
};

/// Of a stage whose needed stages have put their outputs into `outputs`. Imports images and stores
/// inputs that are not there yet; kCancelled when it is stopped meanwhile.
base::Result<PreparedStage> prepare_stage(const scheduler::Stage& stage, const RunContext& run,
                                          const OutputTable& outputs, UserTable& users,
                                          const std::stop_token& stop);

}  // namespace stagebox::run
