// The parts of a config.json, each into its part of the result. For this folder only.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/oci/oci_config.h"

namespace stagebox::sandbox::oci {

class OciReader;

base::Result<void> read_process(OciReader process, ProcessSpec& spec,
                                std::optional<int>& oom_score_adj);
base::Result<void> read_mounts(std::vector<OciReader> mounts, OciConfig& config);
base::Result<void> read_linux(OciReader object, const ProfileContext& machine, OciConfig& config);
base::Result<void> read_resources(OciReader resources, SandboxSpec& spec);
/// "uidMappings" and "gidMappings", which come together; nothing without either.
base::Result<std::optional<IdMappings>> read_id_mappings(OciReader& object);

/// "dev/pts" for "/dev/pts/". kInvalid for a path that is not absolute, or the root itself.
base::Result<std::string> path_in_root(const std::string& path, const std::string& where);

/// A list of processors or memory nodes (number_list.h) as it is; empty where it is not given.
base::Result<void> read_number_list(OciReader& object, const char* key, std::string& list);

/// The value of a name in a table; kInvalid, listing nothing, for one that is not in it.
template <typename Value, std::size_t N>
base::Result<Value> look_up(const std::array<std::pair<const char*, Value>, N>& table,
                            const std::string& name, const std::string& where) {
  for (const auto& [known, value] : table) {
    if (name == known) return value;
  }
  return base::invalid(where + ": \"" + name + "\" is not known");
}

}  // namespace stagebox::sandbox::oci
