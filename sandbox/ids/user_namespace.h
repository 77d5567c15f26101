// User namespaces: making one for ourselves (an ordinary user becomes root of it) and making one
// only for its id map (for id-mapped mounts).
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::sandbox {

struct IdMap;
struct IdMappings;

struct SubordinateRange {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
};

/// The largest range that a file like /etc/subuid gives to the user, by name or number (subuid(5)).
std::optional<SubordinateRange> find_subordinate_range(const std::string& file,
                                                       const std::string& user, uid_t uid);

/// Who may map ids that are not the process's own.
enum class MapWriter {
  kSetIdPrograms,  ///< newuidmap(1) and newgidmap(1), what /etc/subuid and /etc/subgid say.
  kOurselves,      ///< Root of a user namespace, what that one has.
};

/// Moves this single-threaded process into a new user and mount namespace in which `uid` and `gid`
/// are 0 and the ranges follow from 1. Without ranges only the single id is mapped.
base::Result<void> enter_user_namespace(uid_t uid, gid_t gid,
                                        const std::optional<SubordinateRange>& uids,
                                        const std::optional<SubordinateRange>& gids,
                                        MapWriter writer = MapWriter::kSetIdPrograms);

/// A child in a new user namespace, without a map, that holds no descriptor and waits to be killed.
/// It dies with the calling thread. The caller kills and reaps it.
base::Result<pid_t> fork_namespace_holder();

/// A user namespace with this map and no process in it. For the host's root.
base::Result<base::UniqueFd> make_user_namespace(const IdMap& map);
base::Result<base::UniqueFd> make_user_namespace(const IdMappings& mappings);
/// One in which every id is what it is in the namespace that enter_user_namespace made, with this
/// many subordinate ids: what separates the two is only power.
base::Result<base::UniqueFd> make_twin_namespace(std::uint32_t subordinates);

}  // namespace stagebox::sandbox
