// The files of a stage's secrets: a tmpfs of their own, never on a disk, gone with the sandbox.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"

namespace stagebox::run {

/// Where they are in the sandbox, without a leading slash.
inline constexpr char kSecretsDir[] = "run/secrets";

struct SecretFileContent {
  std::string name;        ///< A single name.
  std::string_view value;  ///< Of Secrets, which outlives this.
};

/// A detached mount with a file for each, mode 0400, of the host's ids `uid` and `gid`; the
/// directory is of `root`, which is the sandbox's.
base::Result<base::UniqueFd> make_secret_files(const std::vector<SecretFileContent>& files,
                                               uid_t root, uid_t uid, gid_t gid);

}  // namespace stagebox::run
