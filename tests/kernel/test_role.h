// Who the kernel tests run as. They are started as root, and again as an ordinary user with and
// without subordinate ids: what protects differs.
#pragma once

#include "runtime/base/result.h"

namespace stagebox::testing {

/// Becomes what STAGEBOX_TEST_AS says: "user" (with subordinate ids, through copies of the account
/// files in a mount namespace of this process alone), "single" (without), or nothing: stays as it
/// is. The ordinary user has delegated cgroups. Only while the process has one thread; kUnsupported
/// when it is not root.
base::Result<void> assume_test_role();

}  // namespace stagebox::testing
