// read_images: the `images` of a pipeline file.
#pragma once

#include <vector>

#include "scheduler/file/file_context.h"
#include "scheduler/pipeline.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// An image with a mistake is in the list too, so that its name is known. `node` is nullptr when
/// the file has no `images`.
std::vector<Image> read_images(const YamlNode* node, FileContext& context);

}  // namespace stagebox::scheduler
