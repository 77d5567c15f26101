// Reads what a stage says of capabilities: `none`, `docker`, or a list of names.
#pragma once

#include <cstdint>

#include "scheduler/file/value_reader.h"
#include "scheduler/pipeline.h"
#include "scheduler/yaml/yaml_node.h"

namespace stagebox::scheduler {

/// Bits of capabilities(7), for a stage with this network: with some of them it could go round what
/// keeps `nat` away from addresses that are not public. They are a mistake in a list, and left out
/// of `docker`.
std::uint64_t read_capabilities(const YamlNode& node, const Network& network,
                                const ValueReader& reader);

}  // namespace stagebox::scheduler
