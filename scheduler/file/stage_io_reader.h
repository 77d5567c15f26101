// The `inputs` and `outputs` of a stage, and `when`, which both outputs and stages have: their
// form. Whether they overlap and whether what they name exists is validate.h's business.
#pragma once

#include <optional>
#include <vector>

#include "scheduler/file/file_context.h"
#include "scheduler/file/value_reader.h"
#include "scheduler/pipeline.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// What has a mistake is in the list too, with "." for a path that could not be read, so that its
/// name is known and nothing is reported twice.
std::vector<Input> read_inputs(const YamlNode& node, const ValueReader& reader,
                               const FileContext& context);
std::vector<Output> read_outputs(const YamlNode& node, const ValueReader& reader,
                                 const FileContext& context);
/// Of a stage or an output.
std::optional<When> read_when(const YamlNode& node, const ValueReader& reader);

}  // namespace stagebox::scheduler
