// read_services: the `services` of a stage: their form. Whether the images that they name exist is
// validate.h's business.
#pragma once

#include <vector>

#include "scheduler/file/file_context.h"
#include "scheduler/pipeline.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// In the order of the file; what is wrong is reported. Nothing is taken from the stage or from
/// the defaults: `env` in an expression is the service's own.
std::vector<Service> read_services(const YamlNode& node, FileContext& context);

}  // namespace stagebox::scheduler
