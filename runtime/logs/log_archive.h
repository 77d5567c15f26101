// Compressed logs: the same bytes in frames of about a MiB, in zstd's seekable format, so that a
// reader gets to any time without what is before it, and zstd(1) reads them too.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/logs/log_source.h"

namespace stagebox::logs {

/// A smaller log stays as it is: it takes one block of the disk either way.
inline constexpr std::uint64_t kSmallestArchived = 4096;
/// What the archive is called until it is durable and takes the place of the log.
inline constexpr const char* kArchiveSuffix = ".part";

enum class Archiving {
  kMade,       ///< Lies beside the log, not durable yet.
  kNotNeeded,  ///< The log is small, or compressed already.
};

/// Whether frames that the log has are right.
enum class PackedRecords {
  kTrusted,  ///< This process wrote them.
  kChecked,  ///< They may have been damaged since, or be half there.
};

/// Writes the archive of `name` in `dir_fd` beside it, under its name with kArchiveSuffix. Nobody
/// writes the log any more. kSystem with EEXIST when somebody else is making one.
base::Result<Archiving> make_archive(int dir_fd, const std::string& name,
                                     PackedRecords packed = PackedRecords::kChecked);
/// Lets the archive that was made take the log's place, at once: whoever opens it finds one or the
/// other. The archive is durable before, else a crash of the machine could take both.
base::Result<void> publish_archive(int dir_fd, const std::string& name);
/// Removes one that will not be published. The log stays.
void drop_archive(int dir_fd, const std::string& name);

/// The uncompressed bytes of a log that may be compressed. kCorrupt when it is, and damaged.
base::Result<std::unique_ptr<LogSource>> open_source(base::UniqueFd file, const std::string& path);

}  // namespace stagebox::logs
