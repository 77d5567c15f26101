// read_retry: the `retry` of a stage or of the defaults.
#pragma once

#include "scheduler/file/value_reader.h"
#include "scheduler/retry.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// What is wrong is reported and left as Retry has it. Without `on`, every failure counts.
Retry read_retry(const YamlNode& node, const ValueReader& reader);

}  // namespace stagebox::scheduler
