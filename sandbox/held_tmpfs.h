// HeldTmpfs: a file system in memory of a sandbox (tmpfs(5)), held from outside from before its
// command runs until after the last process is dead. Whatever is unmounted, mounted over or moved
// inside, it stays the one that the sandbox was given, and nobody inside is asked how full it is.
#pragma once

#include <sys/statvfs.h>

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "sandbox/exit_report.h"

namespace stagebox::sandbox {

struct HeldTmpfs {
  std::string path;      ///< Inside; absolute.
  base::UniqueFd mount;  ///< O_PATH
};

/// Gives each mount the path that the plan says: they come in the order of its steps. EBADMSG when
/// there are more or fewer than the plan has.
base::Result<std::vector<HeldTmpfs>> hold_tmpfs(const std::vector<std::byte>& plan,
                                                std::vector<base::UniqueFd> mounts);

/// Which limits of it are used up: not one of its blocks (a page each), or of its inodes, is free.
/// What has no limit has none of them.
std::vector<LikelyLimit> used_up(const std::string& path, const struct statvfs& status);

/// The same of all of them, as they are now.
std::vector<LikelyLimit> used_up(std::span<const HeldTmpfs> held);

}  // namespace stagebox::sandbox
