// Which ids inside a sandbox are which outside: what its spec says, within what it was given. Pure.
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "sandbox/ids/id_map.h"
#include "sandbox/spec/namespace_spec.h"

namespace stagebox::sandbox {

/// Those of the spec, or `given` in order. kInvalid for ranges that overlap or do not map id 0,
/// kUnsupported for those that lead out of `given`.
base::Result<IdMappings> resolve_id_mappings(const std::optional<IdMappings>& wanted,
                                             const IdMap& given);

/// As /proc/PID/uid_map wants it (user_namespaces(7)).
std::string id_map_text(const std::vector<IdRange>& ranges);

/// What `inside` is outside; nothing when it is not mapped.
std::optional<std::uint32_t> outside_id(const std::vector<IdRange>& ranges, std::uint32_t inside);

}  // namespace stagebox::sandbox
