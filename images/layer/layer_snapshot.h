// LayerSnapshot: what the directory of a layer looked like when it was complete: every name with
// its attributes (SnapshotEntry) and, where the LayerRecord does not cover it, a checksum of the
// content. ImageStore::verify compares it with what is there. It is taken from the file system and
// not from the archive; that the file system had the right content then, the diff id has shown.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "images/layer/snapshot_entry.h"
#include "runtime/base/result.h"

namespace stagebox::images {

/// The name in a layer's directory of the store.
constexpr const char* kLayerSnapshotName = "snapshot.zst";

/// What of a regular file is looked at beside its status; each costs opening it.
struct SnapshotWants {
  using Answer = std::function<bool(const std::string& path)>;
  Answer checksum;
  /// False only for a file that is known to have none. Of files with several names they are always
  /// looked at, and of directories.
  Answer xattrs;
};

/// Walks the directory, with the names of each sorted, and calls `take` for each, the root first.
base::Result<void> walk_snapshot(int root_fd, const SnapshotWants& wants,
                                 const std::function<base::Result<void>(SnapshotEntry)>& take);

/// Writes the snapshot of `root_fd`, one line for each name, compressed, as `name` into `dir_fd`,
/// where nothing of that name may be.
base::Result<void> write_snapshot(int dir_fd, const std::string& name, int root_fd,
                                  const SnapshotWants& wants);
/// A stored one, in the same order. kNotFound when there is none, kCorrupt when it is damaged.
base::Result<std::vector<SnapshotEntry>> read_snapshot(int dir_fd, const std::string& name);

}  // namespace stagebox::images
