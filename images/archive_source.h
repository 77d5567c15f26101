// ArchiveSource: the files of an image archive by name, wherever they lie: in a tar archive (never
// extracted to disk; only an index of its members is made) or in an OCI layout directory. Nothing
// is verified here; names and contents are the archive's claims.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "images/file_range.h"
#include "images/limits.h"
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

/// `file` is a regular file (tar) or a directory (OCI layout); anything else is kInvalid.
base::Result<std::unique_ptr<ArchiveSource>> open_archive_source(base::UniqueFd file,
                                                                 const Limits& limits);

}  // namespace stagebox::images
