// Scratch: everything of a sandbox that can be written to: the overlay's upper directory, the
// workspace and /tmp. Without a disk limit it is a directory of the state directory; with one it is
// a tmpfs of that size, whose pages count as the sandbox's memory.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/relative_path.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/disk_gauge.h"
#include "sandbox/ids/id_map.h"
#include "sandbox/spec/sandbox_spec.h"

namespace stagebox::sandbox {

class Scratch {
 public:
  struct Request {
    int parent_fd = -1;  ///< Directory that will hold `name`.
    std::string name;
    Limits limits;  ///< `disk` and `inodes`: both or neither.
    IdMap ids;
    User user;                       ///< Owner of the workspace.
    std::size_t input_overlays = 0;  ///< How many inputs are copy-on-write.
  };
  static base::Result<Scratch> create(const Request& request);
  Scratch(Scratch&&) noexcept = default;
  Scratch& operator=(Scratch&&) = delete;
  ~Scratch();

  /// The root of the scratch directory: upper, work, tmp, workspace, overlayN/{upper,work}.
  [[nodiscard]] int fd() const { return root_.get(); }
  /// The workspace, opened before anything untrusted ran.
  [[nodiscard]] int workspace_fd() const { return workspace_.get(); }
  /// O_PATH: what the stage changed in its copy-on-write input `index`, counted among those.
  [[nodiscard]] base::Result<base::UniqueFd> overlay_upper(std::size_t index) const;
  /// A detached mount of it for the sandbox.
  [[nodiscard]] base::Result<base::UniqueFd> mount() const;

  /// Makes an empty directory or file in the workspace for an input to be mounted on, with its
  /// parents, all owned by the stage's user. Only before the sandbox starts.
  base::Result<void> make_mount_point(const base::RelativePath& path, InputMount::Kind kind);

  /// Makes a directory in the workspace, with its parents, all owned by the stage's user; those
  /// that are there stay as they are. Only before the sandbox starts.
  base::Result<void> make_directory(const base::RelativePath& path);

  /// Copies the open file into the workspace, owned by the stage's user. Only before the start.
  base::Result<void> copy_file(const base::RelativePath& path, int source_fd, unsigned mode);

  /// Of its disk limits; none without. It is looked at while this is there.
  [[nodiscard]] std::optional<DiskGauge> gauge() const;

  /// Removes it with everything the stage left. Only after the last process of the sandbox is dead.
  base::Result<void> destroy();

 private:
  Scratch() = default;
  [[nodiscard]] base::Result<void> make_overlay(const std::string& name,
                                                std::uint32_t root_id) const;
  base::Result<base::UniqueFd> make_file(const base::RelativePath& path, unsigned mode);
  /// The directory, after it is made with its parents as far as it is not there.
  base::Result<base::UniqueFd> open_made(const base::RelativePath& path) const;

  int parent_fd_ = -1;
  std::string name_;
  uid_t uid_ = 0;  ///< Host ids of the stage's user.
  gid_t gid_ = 0;
  Limits limits_;
  base::UniqueFd tmpfs_;  ///< With a disk limit.
  base::UniqueFd root_;
  base::UniqueFd workspace_;
};

}  // namespace stagebox::sandbox
