// read_caches: the `caches` of a stage: {path: .npm, key: "npm-${{ hash(src/package-lock.json) }}",
// restore: ["npm-"], max_size: 1GiB}. Their keys stay templates: what hash() stands for is known
// when the stage's inputs are.
#pragma once

#include <vector>

#include "scheduler/file/file_context.h"
#include "scheduler/file/value_reader.h"
#include "scheduler/pipeline.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// The longest key, in bytes.
inline constexpr std::size_t kMaxCacheKey = 512;

/// What is wrong is reported.
std::vector<Cache> read_caches(const YamlNode& node, const ValueReader& reader,
                               const FileContext& context);

}  // namespace stagebox::scheduler
