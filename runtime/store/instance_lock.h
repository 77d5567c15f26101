// InstanceLock: the intent record of one process. Before a process creates what outlives it (a
// cgroup, a mount, a directory), it writes down what in the note; while it lives it holds a lock,
// so the next process finds the notes of the dead, undoes what they say, and removes them.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/store/home.h"

namespace stagebox::store {

/// The file `instances/<id>`: held by flock(2), its content is the note. (Earlier versions made a
/// directory of that name with two files `lock` and `note`; their dead are found too.) The
/// destructor only lets go of the lock: what was not removed is dead from then on, and will be
/// found. A child that inherits the descriptor keeps the lock alive with itself (fork(2),
/// flock(2)). May be used from several threads; must not outlive its Home.
class InstanceLock {
 public:
  /// A new instance with a random id of 12 hexadecimal characters.
  static base::Result<InstanceLock> create(const Home& home);
  /// The instances whose owner died, each locked for the caller while this object lives: undo what
  /// the note says, then remove(). Whoever calls at the same time gets others, or none.
  static base::Result<std::vector<InstanceLock>> dead(const Home& home);
  /// Whether there is an instance with this id, dead or alive.
  static base::Result<bool> exists(const Home& home, const std::string& id);

  /// What the instance with this id has noted so far; nullopt when it is dead or not there.
  static base::Result<std::optional<std::string>> living_note(const Home& home,
                                                              const std::string& id);

  [[nodiscard]] const std::string& id() const { return id_; }
  /// Adds to the note; call before creating what it describes. Nothing of an instance waits for
  /// the disk: a crash of the machine ends what it describes, processes, cgroups and mounts, and
  /// what lies on the disk is found without it (recovery.h).
  base::Result<void> add_to_note(const std::string& text) const;
  /// All that was added, up to 1 MiB.
  [[nodiscard]] base::Result<std::string> read_note() const;
  /// Removes the instance: nothing is left to undo. The lock is let go.
  base::Result<void> remove();

 private:
  InstanceLock(base::UniqueFd instances, std::string path, std::string id, base::UniqueFd dir,
               base::UniqueFd lock)
      : instances_(std::move(instances)),
        path_(std::move(path)),
        id_(std::move(id)),
        dir_(std::move(dir)),
        lock_(std::move(lock)),
        using_(std::make_unique<std::mutex>()) {}

  base::UniqueFd instances_;
  std::string path_;  ///< Of `instances_`, for messages.
  std::string id_;
  base::UniqueFd dir_;                 ///< Of one that an earlier version made.
  base::UniqueFd lock_;                ///< The file with the note, but for those.
  std::unique_ptr<std::mutex> using_;  ///< Two additions do not mix, and the file has one position.
};

}  // namespace stagebox::store
