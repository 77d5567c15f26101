// The machine's setting fs.suid_dumpable (sysctl/fs.rst): whether a process that has changed its
// ids can be traced and dumps core like any other one.
#pragma once

#include <string>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::testing {

/// Sets it for as long as this lives. A process of its own puts the old value back, whatever
/// becomes of this one; and a lock keeps others who do the same away meanwhile.
class SuidDumpable {
 public:
  /// An Error for whoever is not root.
  static base::Result<SuidDumpable> set(const std::string& value);
  SuidDumpable(SuidDumpable&&) = default;
  ~SuidDumpable();

 private:
  SuidDumpable(base::UniqueFd setting, base::UniqueFd alive, pid_t guard)
      : setting_(std::move(setting)), alive_(std::move(alive)), guard_(guard) {}

  base::UniqueFd setting_;
  base::UniqueFd alive_;
  pid_t guard_;
};

}  // namespace stagebox::testing
