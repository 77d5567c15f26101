// How much disk a directory takes, for reports.
#pragma once

#include <cstdint>
#include <string>

namespace stagebox::images {

/// Bytes on disk (blocks) of `name` and everything below it. Best effort: what cannot be read is
/// not counted; of a file with several names each has its share.
std::uint64_t disk_bytes(int dir_fd, const std::string& name);

}  // namespace stagebox::images
