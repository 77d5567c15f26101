// read_stages: the `stages` of a pipeline file, with the `defaults` merged under each. Reads one
// stage at a time; what concerns several of them is validate.h's business.
#pragma once

#include <vector>

#include "scheduler/file/file_context.h"
#include "scheduler/pipeline.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// Checks the defaults on their own, so that a mistake in them is found even when every stage
/// overrides it.
void check_defaults(const YamlNode& defaults, FileContext& context);

/// `defaults` may be nullptr. A stage with mistakes is in the list too, so that its name and its
/// outputs are known.
std::vector<Stage> read_stages(const YamlNode& stages, const YamlNode* defaults,
                               FileContext& context);

}  // namespace stagebox::scheduler
