// The `resources` of a stage or of the defaults.
#pragma once

#include "scheduler/file/value_reader.h"
#include "scheduler/pipeline.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// Sets what stands there and leaves the rest of `resources` as it is.
void read_resources(const YamlNode& node, const ValueReader& reader, Resources& resources);

}  // namespace stagebox::scheduler
