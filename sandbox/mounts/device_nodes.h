// Device nodes that are made for one sandbox, with a mode and an owner of their own. Only the
// host's root can make one that works; for others it is the host's, if that is what was asked for.
#pragma once

#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/spec/namespace_spec.h"
#include "sandbox/spec/root_spec.h"

namespace stagebox::sandbox {

/// A detached mount for each of `devices` that has a Device::Node, in order. Their owners are those
/// that `ids` says. kUnsupported, naming the device, for one that cannot be had as it was asked
/// for.
base::Result<std::vector<base::UniqueFd>> make_device_nodes(const std::vector<Device>& devices,
                                                            const IdMappings& ids);

}  // namespace stagebox::sandbox
