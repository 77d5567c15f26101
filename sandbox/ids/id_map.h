// IdMap: which ids of the host the ids inside a sandbox are. HostIds decides it once for this
// process from what the machine allows; everything else only asks.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::sandbox {

/// Ids [0, count) inside are [first, first + count) outside.
struct IdMap {
  std::uint32_t first = 0;
  std::uint32_t count = 0;
  /// Who makes the sandbox's user namespace: the kernel charges what is used in it, such as inotify
  /// instances and queued signals, to its maker, too (user_namespaces(7)). None: who we are.
  std::optional<std::uint32_t> creator = {};

  /// One line of /proc/PID/uid_map (user_namespaces(7)).
  [[nodiscard]] std::string line() const;
};

/// Takes whatever this process may have, by becoming root of a user namespace of its own when it is
/// not the machine's root: from then on both cases look the same, and only the numbers differ. Root
/// of a user namespace that lacks the ids of the ranges (a container without privileges) is an
/// ordinary user.
class HostIds {
 public:
  enum class Kind {
    kRoot,  ///< Each sandbox gets a range of its own; layers are shared by id-mapped mounts.
    /// The user's range of /etc/subuid, or what a container's root has beside its own; all
    /// sandboxes of the user share it.
    kSubordinate,
    kSingle,  ///< Only the user's own id. chown and setgroups in the sandbox fail.
  };

  /// Must run while the process has one thread. For an ordinary user it makes a user and a mount
  /// namespace and needs newuidmap(1), unless it is root of one already; without subordinate ids it
  /// takes the single id.
  static base::Result<std::shared_ptr<HostIds>> acquire();

  [[nodiscard]] Kind kind() const { return kind_; }
  /// Why it is kSingle and what that means, and how that can be changed; empty otherwise.
  [[nodiscard]] const std::string& degraded() const { return degraded_; }
  [[nodiscard]] const std::string& remedy() const { return remedy_; }
  /// How ids of an image are stored on disk: id + layer_shift, for ids below layer_count.
  [[nodiscard]] std::uint32_t layer_shift() const { return kind_ == Kind::kSubordinate ? 1 : 0; }
  [[nodiscard]] std::uint32_t layer_count() const { return count_; }

  /// For processes of ours that need no rights over anything: an id that no file and no other
  /// process of this machine has (root), or the last one of the user's range; none where there is
  /// a single id.
  [[nodiscard]] std::optional<std::uint32_t> unprivileged_id() const;

  /// A range that no other sandbox of this machine uses while the lease lives.
  class Lease {
   public:
    [[nodiscard]] const IdMap& map() const { return map_; }
    /// A user namespace with this map, for id-mapped mounts; -1 when mounts need no mapping.
    [[nodiscard]] int user_namespace() const { return user_namespace_.get(); }
    Lease(Lease&&) = default;
    Lease& operator=(Lease&&) = default;
    ~Lease();

   private:
    friend class HostIds;
    Lease() = default;
    std::shared_ptr<HostIds> owner_;
    IdMap map_;
    base::UniqueFd lock_;
    base::UniqueFd user_namespace_;
  };
  static base::Result<Lease> lease(const std::shared_ptr<HostIds>& ids);

 private:
  HostIds() = default;
  static base::Result<Lease> lock_free_range();

  Kind kind_ = Kind::kRoot;
  std::uint32_t count_ = 0;
  std::string degraded_;
  std::string remedy_;
  std::mutex mutex_;
  std::vector<Lease> idle_;  ///< Ranges of ended sandboxes, ready to be used again.
};

}  // namespace stagebox::sandbox
