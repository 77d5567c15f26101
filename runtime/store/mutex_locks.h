// MutexLocks: the mutex groups that a stage has across runs, while it has them: of all runs on one
// state directory one stage has a group at a time.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/trust_domain.h"
#include "runtime/store/lock_file.h"

namespace stagebox::store {

/// Whose groups they are. Those of different ones never meet, whatever their names: a fork keeps
/// no trusted run waiting.
struct MutexScope {
  base::TrustDomain domain;
  std::string project;  ///< That the runner named; empty: none.
};

/// All groups or none: whoever waits for one has none, so nobody waits in a circle. Locks of the
/// file `mutexes` in the state directory, which go with their owner.
class MutexLocks {
 public:
  struct Answer;
  /// Does not wait. kUnsupported where there are no locks: two that must not meet would.
  static base::Result<Answer> ask(int home_fd, const MutexScope& scope,
                                  const std::vector<std::string>& groups);

 private:
  explicit MutexLocks(LockFile file) : file_(std::move(file)) {}

  LockFile file_;
};

struct MutexLocks::Answer {
  std::optional<MutexLocks> locks = {};
  std::string anothers = {};  ///< The first group that another one has; empty with `locks`.
};

}  // namespace stagebox::store
