// read_allow_failure: the `allow_failure` of a stage or of the defaults.
#pragma once

#include "scheduler/allow_failure.h"
#include "scheduler/file/value_reader.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// What is wrong is reported and allows nothing.
AllowFailure read_allow_failure(const YamlNode& node, const ValueReader& reader);

}  // namespace stagebox::scheduler
