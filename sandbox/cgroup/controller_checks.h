// What can be told of limits without a cgroup: values that the kernel's files could not hold, and
// limits that a controller of this version of cgroups has no file for. Pure.
#pragma once

#include "runtime/base/result.h"
#include "sandbox/cgroup/cgroup_place.h"
#include "sandbox/spec/limits.h"

namespace stagebox::sandbox {

/// kUnsupported, saying why, for what a controller of this version has no file for.
base::Result<void> check_version(CgroupPlace::Version version, Controller controller,
                                 const Limits& limits);

/// What the files of ControllerLimits::unified must be, and the other values that go into names and
/// lines of files. kInvalid.
base::Result<void> check_controllers(const ControllerLimits& limits);

}  // namespace stagebox::sandbox
