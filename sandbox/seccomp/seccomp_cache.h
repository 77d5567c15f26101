// SeccompCache: compiled filters on disk, so that a start does not pay for libseccomp. A file is
// used only when it is what we once wrote: private, whole, for the same rules and the same
// libseccomp.
#pragma once

#include <memory>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/seccomp/seccomp_rules.h"
#include "sandbox/spec/seccomp_program.h"

namespace stagebox::sandbox {

class SeccompCache {
 public:
  /// `dir` is below the state directory, private to its owner.
  explicit SeccompCache(base::UniqueFd dir) : dir_(std::move(dir)) {}

  /// From disk, or compiled and written there. A cache that cannot be written to is no failure.
  [[nodiscard]] base::Result<std::shared_ptr<const SeccompProgram>> get(const SeccompRules& rules,
                                                                        DeniedCalls denied) const;

 private:
  base::UniqueFd dir_;
};

}  // namespace stagebox::sandbox
