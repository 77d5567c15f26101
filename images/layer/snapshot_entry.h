// SnapshotEntry: one name of a LayerSnapshot: its text form and how two of them are compared. Pure.
//   d 755 0 0 - 1700000000.000000000 usr/bin
//   f 4755 0 0 9000 1700000000.500000000 usr/bin/su same=bin/su crc=12ab x:user.a=00ff
// Bytes of names that are not printable ASCII, spaces, "=" and "\" are written as \xNN.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace stagebox::images {

struct SnapshotEntry {
  std::string path;  ///< Beneath the layer's root; "" is the root.
  char type = '?';   ///< As find(1) has it: f d l p c b s.
  mode_t mode = 0;   ///< Permission, set-id and sticky bits.
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t size = 0;  ///< Of a regular file.
  std::int64_t mtime_seconds = 0;
  std::uint32_t mtime_nanoseconds = 0;
  std::string link;                  ///< Target of a symbolic link; "major:minor" of a device.
  std::string same_as;               ///< First name of the file, when it has several.
  std::optional<std::uint64_t> crc;  ///< CRC-64 of the content, where asked for.
  std::map<std::string, std::string> xattrs;  ///< Without the host's labels.

  bool operator==(const SnapshotEntry&) const = default;
};

/// Without the line's end.
std::string encode_entry(const SnapshotEntry& entry);
/// kCorrupt for a line that encode_entry does not write.
base::Result<SnapshotEntry> decode_entry(std::string_view line);

/// In words, what of `now` is not as in `then`: "its mode is 644 and was 755"; empty: nothing.
std::string describe_difference(const SnapshotEntry& then, const SnapshotEntry& now);

}  // namespace stagebox::images
