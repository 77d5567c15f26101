// The parts of a config.json, each into its part of the result. For this folder only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "sandbox/oci/oci_config.h"

namespace stagebox::sandbox::oci {

class OciReader;

base::Result<void> read_process(OciReader process, ProcessSpec& spec,
                                std::optional<int>& oom_score_adj);
base::Result<void> read_mounts(std::vector<OciReader> mounts, OciConfig& config);
base::Result<void> read_linux(OciReader object, const ProfileContext& machine, OciConfig& config);
base::Result<void> read_resources(OciReader resources, Limits& limits);

/// "dev/pts" for "/dev/pts/". kInvalid for a path that is not absolute, or the root itself.
base::Result<std::string> path_in_root(const std::string& path, const std::string& where);

}  // namespace stagebox::sandbox::oci
