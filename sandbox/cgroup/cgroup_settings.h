// Cgroup settings: what has to be written into a cgroup's files so that it enforces limits. Pure.
// The files are described in the kernel's cgroup-v2.rst and cgroup-v1/*.rst.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sandbox/cgroup/cgroup_place.h"
#include "sandbox/spec/limits.h"

namespace stagebox::sandbox {

struct CgroupSetting {
  enum class Need {
    kRequired,
    kWhereThere,  ///< The file is missing where the kernel was built without it.
  };
  std::string file;
  std::string value;
  Need need = Need::kRequired;
  /// What is written where there is no such file.
  struct Instead {
    std::string file;
    std::string value;
    friend bool operator==(const Instead&, const Instead&) = default;
  };
  std::optional<Instead> instead = {};

  friend bool operator==(const CgroupSetting&, const CgroupSetting&) = default;
};

/// In the order in which they have to be written. `device` is "major:minor" of the whole disk that
/// io_read and io_write are about.
std::vector<CgroupSetting> cgroup_settings(CgroupPlace::Version version, Controller controller,
                                           const Limits& limits, const std::string& device);

/// Those of ControllerLimits::unified, for a v2 place; written after everything else.
std::vector<CgroupSetting> unified_settings(const Limits& limits);

/// The controllers without which these limits cannot be enforced.
std::vector<Controller> needed_controllers(const Limits& limits);

}  // namespace stagebox::sandbox
