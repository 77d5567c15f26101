// FileAttributes: owner, mode, extended attributes and modification time as they are to be on
// disk, and how they get there: owner first (chown clears set-id bits and capabilities), then
// extended attributes, then the mode (chmod clears neither), then the time.
#pragma once

#include <sys/stat.h>
#include <time.h>

#include <cstdint>
#include <string>
#include <vector>

#include "images/layer/ownership.h"
#include "images/tar/tar_reader.h"
#include "runtime/base/result.h"

namespace stagebox::images {

/// What a layer's application could not carry over or left out on purpose.
struct LayerStats {
  std::uint64_t entries = 0;
  std::uint64_t skipped_devices = 0;  ///< Device nodes (never created) and unknown types.
  std::uint64_t dropped_xattrs = 0;   ///< Left out on purpose: see is_allowed_xattr.
  std::uint64_t degraded_xattrs = 0;  ///< Wanted, but this user or file system does not allow them.
  std::uint64_t hidden_links = 0;     ///< Links of lower layers hidden by an implied directory.
  std::uint64_t squashed_ids = 0;     ///< Entries whose user or group is not the image's.
  std::uint64_t replaced = 0;         ///< Of this layer's own, by a later entry of the same name.
};

struct FileAttributes {
  std::uint32_t uid = 0;  ///< On disk. Not looked at when the ownership is kSingle.
  std::uint32_t gid = 0;
  mode_t mode = 0755;
  std::vector<Xattr> xattrs;
  struct timespec mtime{};

  /// Bytes of memory, about.
  [[nodiscard]] std::uint64_t cost() const;
};

/// user.* (but not user.overlay.*, which would speak to the kernel's overlay) and
/// security.capability. ACLs hold ids that would need shifting; labels and trusted.* belong to the
/// host.
bool is_allowed_xattr(std::string_view name);
bool is_overlay_xattr(std::string_view name);

base::Result<FileAttributes> attributes_of(const TarEntry& entry, const LayerOwnership& ownership,
                                           LayerStats& stats);
/// Those of a file of another layer of the same store. `fd`: open for reading, or O_PATH (then
/// without extended attributes).
base::Result<FileAttributes> attributes_of_fd(int fd);

/// What a file has from its creation, found out by creating one: who it belongs to, which mode bits
/// the umask, default ACLs and set-group-id directories leave, and whether these, or a security
/// module, give it extended attributes. What is right from the start
/// need not be set again; that saves a third of the calls for each file.
struct Birth {
  std::uint32_t uid = ~0U;
  std::uint32_t gid = ~0U;
  mode_t kept_bits = 0;
  bool has_xattrs = true;
};
/// Makes a file in `dir_fd` and removes it.
base::Result<Birth> probe_birth(int dir_fd);
/// With which mode to create a file so that there is least to be set afterwards.
mode_t creation_mode(const FileAttributes& attributes);

/// For regular files, directories and fifos, open but not O_PATH. `birth`: of a file that was
/// created with creation_mode() and not touched since.
base::Result<void> set_attributes(int fd, const FileAttributes& attributes,
                                  const LayerOwnership& ownership, LayerStats& stats,
                                  const Birth& birth = {});
/// For a symbolic link that was just created as `name`; these have no mode.
base::Result<void> set_link_attributes(int dir_fd, const std::string& name,
                                       const FileAttributes& attributes,
                                       const LayerOwnership& ownership, const Birth& birth);

}  // namespace stagebox::images
