// Artifacts that are not complete: the name under which one is written, on record as an intent for
// as long as it is there, so that what a Stagebox that was killed left in a directory of the user's
// is removed by the next one, and nothing else is.
#pragma once

#include <string>
#include <string_view>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/run/engine/intent.h"
#include "runtime/store/home.h"
#include "runtime/store/instance_lock.h"

namespace stagebox::run {

class NotedArtifact {
 public:
  /// Notes that something is going to be made in the directory; `dir_fd` outlives this.
  static base::Result<NotedArtifact> note(const store::Home& home, int dir_fd);
  [[nodiscard]] const std::string& name() const { return name_; }
  /// A new file of that name, to be read and written; it is noted.
  [[nodiscard]] base::Result<base::UniqueFd> make_file(unsigned mode) const;
  /// It was made, and is what `fd` is open for.
  base::Result<void> made(int fd) const;
  /// It has got another name, or is removed with this call: nothing is left to undo.
  base::Result<void> forget();

 private:
  NotedArtifact(int dir_fd, std::string name, store::InstanceLock instance)
      : dir_fd_(dir_fd), name_(std::move(name)), instance_(std::move(instance)) {}

  int dir_fd_;
  std::string name_;
  store::InstanceLock instance_;  ///< One of its own: commands that only look have none.
};

/// As base::replace_file_at(), in a directory of the user's: what is not complete is on record.
base::Result<void> replace_noted_file(const store::Home& home, int dir_fd, const std::string& name,
                                      std::string_view content, unsigned mode);

/// Of a dead process. Only what is, by device and inode, what that one made is removed; what was
/// made in the instant before that could be noted only while it is empty. A directory that is not
/// where it was, or that cannot be reached without following a link, is left alone.
base::Result<void> remove_unfinished(const UnfinishedArtifact& artifact);

}  // namespace stagebox::run
