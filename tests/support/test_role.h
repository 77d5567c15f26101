// Who a test runs as. Tests are started as root, and again as an ordinary user with and without
// subordinate ids: what protects differs.
#pragma once

#include "runtime/base/result.h"

namespace stagebox::testing {

/// Becomes what STAGEBOX_TEST_AS says:
///   root         stays root, in cgroups of its own;
///   user         an ordinary user with subordinate ids (through copies of the account files in a
///                mount namespace of this process alone) and delegated cgroups;
///   single       an ordinary user without subordinate ids, with delegated cgroups;
///   undelegated  as "user", without a cgroup that it may write to;
///   nothing      stays as it is.
/// Only while the process has one thread; kUnsupported when it is not root.
base::Result<void> assume_test_role();

}  // namespace stagebox::testing
