// UserTable: the users of a run's stages, each looked up in its image once. A run of many stages
// would otherwise read the same two files as often as it has stages.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "runtime/base/result.h"
#include "runtime/base/unique_fd.h"
#include "runtime/run/stage/image_user.h"

namespace stagebox::run {

class UserTable {
 public:
  /// As resolve_user(), for the image that the pipeline calls `image`. Thread-safe.
  base::Result<ResolvedUser> get(const std::string& image, const std::string& user,
                                 const std::vector<base::UniqueFd>& layers,
                                 std::uint32_t id_count) {
    const std::scoped_lock lock(mutex_);
    const auto found = users_.find({image, user});
    if (found != users_.end()) return found->second;
    ResolvedUser resolved = TRY(resolve_user(user, layers, id_count));
    users_.emplace(std::pair(image, user), resolved);
    return resolved;
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, ResolvedUser> users_;
};

}  // namespace stagebox::run
