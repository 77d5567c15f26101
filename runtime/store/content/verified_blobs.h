// VerifiedBlobs: remembers which stored files were seen to have the content that their name says,
// so that finding one again does not read it again. A bounded table on the disk: what is not in it
// is read once more, nothing else. Internal to the store.
#pragma once

#include <sys/stat.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/base/digest.h"
#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::store {

/// What is known holds while a file's inode, size, mode and change time (ctime) are the same.
/// Nobody can set a change time, so that a file which was written to is noticed even when its other
/// times were put back. Not noticed: what a disk does to a file without the kernel's knowledge (see
/// content_check.h). All of it is forgotten when the machine starts: files that were not synced may
/// have lost content in a crash and kept the rest.
///
/// May be used from several threads and processes: a torn entry is no entry.
class VerifiedBlobs {
 public:
  /// Opens or creates `verified` in the directory. `boot` is the id of this start of the machine.
  static base::Result<VerifiedBlobs> open(int dir_fd, std::string_view boot);

  [[nodiscard]] bool knows(const base::Digest& digest, const struct stat& status) const;
  /// `status` must be from before the content was read, or from when nobody else could write to the
  /// file. Best effort.
  void note(const base::Digest& digest, const struct stat& status) const;
  /// Everything, for all processes.
  [[nodiscard]] base::Result<void> forget() const;

 private:
  /// As it stands in the file, in the machine's byte order.
  struct Entry {
    std::array<std::uint8_t, base::Digest::kBytes> digest;
    std::uint64_t inode;
    std::uint64_t size;
    std::int64_t changed;  ///< ctime in nanoseconds
    std::uint64_t check;   ///< of the fields before, and of the mode
  };
  static constexpr std::size_t kWays = 8;
  /// 16 MiB of a sparse file: a quarter of a million files.
  static constexpr std::size_t kSets = std::size_t{1} << 15U;
  using Set = std::array<Entry, kWays>;

  VerifiedBlobs(base::UniqueFd file, std::uint64_t boot) : file_(std::move(file)), boot_(boot) {}
  static base::Result<void> make_whole(int fd);
  [[nodiscard]] Entry entry_of(const base::Digest& digest, const struct stat& status) const;
  static off_t offset_of(const base::Digest& digest);
  [[nodiscard]] bool read_set(off_t offset, Set& set) const;

  base::UniqueFd file_;
  std::uint64_t boot_;  ///< Part of each check: of the id of this start of the machine.
};

/// The id of this start of the machine (random(4)). Where it cannot be read: of this process, so
/// that nothing is known from one to the next.
base::Result<std::string> boot_id();

}  // namespace stagebox::store
