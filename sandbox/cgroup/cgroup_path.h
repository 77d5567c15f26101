// CgroupPath: where a sandbox's cgroup lies, as its spec says it (runtime-spec, config-linux.md,
// "Cgroups Path"). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"

namespace stagebox::sandbox {

struct CgroupPath {
  enum class From {
    kOurs,        ///< Below the directory of this process in each hierarchy.
    kMountPoint,  ///< Below the mount point of each hierarchy.
  } from = From::kOurs;
  std::vector<std::string> components;  ///< Not empty; none is "." or "..".

  [[nodiscard]] std::string str() const;  ///< Without a leading slash.
};

/// "a/b" and "/a/b". kInvalid for a path that leads nowhere, or out of where it begins.
base::Result<CgroupPath> parse_cgroup_path(std::string_view text);

}  // namespace stagebox::sandbox
