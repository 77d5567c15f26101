// read_secrets: the `secrets` of a stage: names, or {name: TOKEN, env: TOKEN}.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "scheduler/file/value_reader.h"
#include "scheduler/pipeline.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// Sorted by their names; what is wrong is reported. `env` has the stage's own variables.
std::vector<StageSecret> read_secrets(const YamlNode& node, const ValueReader& reader,
                                      const std::map<std::string, std::string>& env);

}  // namespace stagebox::scheduler
