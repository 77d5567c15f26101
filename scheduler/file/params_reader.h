// read_params: the `params` of a pipeline file together with the values of `--param`.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "scheduler/file/file_context.h"
#include "scheduler/pipeline.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// Values from the command line (or an API), by name. They are not trusted.
using ParamOverrides = std::map<std::string, std::string>;

/// Also fills `context.params`. `node` is nullptr when the file has no `params`.
std::vector<Param> read_params(const YamlNode* node, const ParamOverrides& overrides,
                               FileContext& context);

}  // namespace stagebox::scheduler
