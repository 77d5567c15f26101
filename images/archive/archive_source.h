// ArchiveSource: the files of an image archive by name, wherever they lie: in a tar archive (never
// extracted to disk; only an index of its members is made) or in an OCI layout directory. Nothing
// is verified here; names and contents are the archive's claims. A registry would be one more: it
// answers "index.json" and "blobs/sha256/..." with files that it fetched (see spool).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "images/base/limits.h"
#include "images/stream/file_range.h"
#include "images/stream/spool.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::images {

class ArchiveSource {
 public:
  ArchiveSource() = default;
  ArchiveSource(const ArchiveSource&) = delete;
  ArchiveSource& operator=(const ArchiveSource&) = delete;
  virtual ~ArchiveSource() = default;

  /// The regular file `name` (relative, "blobs/sha256/..."); nullopt when there is none. Links of
  /// the archive are followed within it.
  virtual base::Result<std::optional<FileRange>> find(const std::string& name) = 0;
  /// For messages about something missing: ", and the archive is truncated", or empty.
  [[nodiscard]] virtual std::string remark() const { return ""; }
};

/// Inflates a compressed file, as a file without a name.
using Inflate = std::function<base::Result<base::UniqueFd>(const FileRange& compressed)>;

/// `file` is a regular file (tar, perhaps compressed as a whole with gzip or zstd; then `inflate`
/// is called) or a directory (OCI layout); anything else is kInvalid.
base::Result<std::unique_ptr<ArchiveSource>> open_archive_source(base::UniqueFd file,
                                                                 const Inflate& inflate,
                                                                 const Limits& limits);

/// The file or directory that a user named; "-" is standard input, which is spooled to the file
/// system of `spool_fd`, a directory, unless it is a regular file anyway. kNotFound when there is
/// none, kInvalid when this user may not read it.
base::Result<base::UniqueFd> open_image_file(const std::string& path, int spool_fd,
                                             const Limits& limits, const ReadWatch& watch);
/// All of a regular file; anything else is kInvalid.
base::Result<FileRange> whole_file(base::UniqueFd file);

}  // namespace stagebox::images
