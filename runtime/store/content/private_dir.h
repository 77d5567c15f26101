// Opening a directory of our own in the state directory, making it first if need be.
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::store {

/// Opens the directory `name` (one component) in `parent_fd`; never through a link. A fresh one is
/// private (0700) and durable.
base::Result<base::UniqueFd> open_private_dir(int parent_fd, const std::string& name);

}  // namespace stagebox::store
