// The services of a stage, from what the pipeline says of them to what can be launched.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/run/stage/image_provider.h"
#include "runtime/run/stage/stage_command.h"
#include "runtime/run/stage/user_table.h"
#include "runtime/store/action.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// What is known of a service before it is decided whether the stage has to run.
struct PreparedService {
  const scheduler::Service* service = nullptr;  ///< Of the stage, which outlives this.
  std::shared_ptr<const OpenImage> image;
  std::string user_text;  ///< As service_user() has it.
  ResolvedUser user;
  StageCommand command;
};

base::Result<std::vector<PreparedService>> prepare_services(const scheduler::Stage& stage,
                                                            ImageProvider& images, UserTable& users,
                                                            std::uint32_t id_count);

/// What of a service decides what a stage does: name, image, command, environment, user, and which
/// secrets it has. Not its limits, and not when it is ready.
void add_service(const scheduler::Service& service, const images::Image& image,
                 const std::string& user, const StageCommand& command, store::ActionSpec& spec);

/// What a stage and its services call each other.
std::vector<std::string> service_names(const scheduler::Stage& stage);

}  // namespace stagebox::run
