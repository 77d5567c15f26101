// What a service executes, decided from the pipeline and the image's configuration. Pure; it is
// part of the stage key.
#pragma once

#include <string>

#include "images/archive/image.h"
#include "runtime/base/result.h"
#include "runtime/run/stage/stage_command.h"
#include "scheduler/pipeline.h"

namespace stagebox::run {

/// The service's `run`, or else entrypoint and command of the image, in the image's working
/// directory. The environment is the image's, then HOME and PATH where it has none, then the
/// service's. kInvalid when neither says what to execute.
base::Result<StageCommand> make_service_command(const scheduler::Service& service,
                                                const images::ImageConfig& image,
                                                const std::string& home);

/// As stage_user().
std::string service_user(const scheduler::Service& service, const images::ImageConfig& image);

}  // namespace stagebox::run
