// The `user` of a stage or of the defaults.
#pragma once

#include "scheduler/file/value_reader.h"
#include "scheduler/pipeline.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// ImageUser when it is wrong, which has been reported then.
User read_user(const YamlNode& node, const ValueReader& reader);

}  // namespace stagebox::scheduler
